// The node's key: made once and closed to others, opened again, never overwritten; wrong files give one sentence.
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class NodeKeyTests
{
    [Fact]
    public void AKeyIsMadeOnceAndClosedToOthers()
    {
        using var folder = new TemporaryFolder();
        using var made = NodeKey.TryOpenOrMake(folder["node.key"], out var error)!;
        Assert.Null(error);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["node.key"]));
        Assert.Null(NodeKey.FindExposure(folder["node.key"]));
        using var opened = NodeKey.TryOpenOrMake(folder["node.key"], out _)!;
        Assert.Equal(made.KeyId, opened.KeyId);
        Assert.Equal(["node.key", "node.pub"], folder.Names);
        File.SetUnixFileMode(folder["node.key"], UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("forge", NodeKey.FindExposure(folder["node.key"]));
    }

    [Fact]
    public void APublicHalfOfAnEarlierKeyStaysKnown()
    {
        using var folder = new TemporaryFolder();
        using var first = NodeKey.TryOpenOrMake(folder["node.key"], out _)!;
        File.Delete(folder["node.key"]);
        using var second = NodeKey.TryOpenOrMake(folder["node.key"], out _)!;
        using var keys = PublicKeys.TryRead(folder["node.pub"], out _)!;
        Assert.Equal([second.KeyId, first.KeyId], keys.Ids);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    public void AFileThatIsNoKeyGivesASentence(string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["node.key"], content);
        Assert.Null(NodeKey.TryOpenOrMake(folder["node.key"], out var error));
        Assert.Contains("Move it away", error);
        Assert.Equal(content, File.ReadAllText(folder["node.key"]));
        Assert.Null(PublicKeys.TryRead(folder["node.key"], out error));
        Assert.NotNull(error);
        Assert.Null(PublicKeys.TryRead(folder["missing"], out error));
        Assert.Contains("There is no key", error);
    }

    [Fact]
    public void SignaturesOfManyThreadsAreAllRight()
    {
        using var key = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(key.Path, out _)!;
        Parallel.For(0, 200, i =>
        {
            var hash = new Hash256((ulong)i, 2, 3, 4);
            var signature = new byte[72];
            var length = key.Key.Sign(hash, signature);
            Assert.True(keys.Verify(key.Key.Id, hash, signature.AsSpan(0, length)));
            Assert.False(keys.Verify(key.Key.Id, hash with { D = 5 }, signature.AsSpan(0, length)));
            Assert.False(keys.Verify(key.Key.Id, hash, signature.AsSpan(0, length - 1)));
        });
    }
}
