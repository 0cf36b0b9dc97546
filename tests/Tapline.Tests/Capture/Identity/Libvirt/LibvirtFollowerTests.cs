// The real library with its test driver: domains are found, and followed by events; what cannot be asked is a sentence.
using System.Diagnostics;
using Tapline.Capture.Identity;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Identity.Libvirt;

public class LibvirtFollowerTests
{
    private const string Uuid = "6c1f3f5e-0d6c-4f3c-9a51-0000000000aa";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    [Fact]
    public void DomainsAreFollowedThroughTheirLife()
    {
        using var driver = new LibvirtTestDriver();
        var changes = 0;
        using var follower = LibvirtFollower.Start([LibvirtTestDriver.Uri], () => Interlocked.Increment(ref changes), out var notice);
        Assert.Null(notice);
        Assert.True(follower!.WaitForFirstLook(s_limit));
        Assert.Contains(follower.Domains, d => d.Name == "test" && d.IsActive);
        Assert.Empty(follower.Notices);

        driver.Define("web01", Uuid, "<title>shop</title><metadata><t:tags xmlns:t='urn:t'>prod</t:tags></metadata>"
            + "<devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>"
            + "<target dev='tap7'/></interface></devices>");
        var domain = Await(follower, d => d is { Name: "web01", IsActive: false });
        Assert.Equal(["shop"], domain.Aliases);
        Assert.Equal(["prod"], domain.Tags);
        Assert.Equal([new LibvirtNic("tap7", 0x525400000001)], domain.Nics);
        driver.Start("web01");
        Await(follower, d => d is { Name: "web01", IsActive: true });
        driver.Stop("web01");
        Await(follower, d => d is { Name: "web01", IsActive: false });
        driver.Undefine("web01");
        Assert.True(Support.Await.Until(() => follower.Domains.All(d => d.Uuid != Uuid)));
        Assert.True(changes >= 5, $"{changes} changes were told");
    }

    [Fact]
    public void ManyFollowersComeAndGo()
    {
        using var driver = new LibvirtTestDriver();
        for (var i = 0; i < 20; i++)
        {
            using var one = LibvirtFollower.Start([LibvirtTestDriver.Uri], () => { }, out _);
            using var other = LibvirtFollower.Start([LibvirtTestDriver.Uri], () => { }, out _);
            Assert.True(one!.WaitForFirstLook(s_limit) && other!.WaitForFirstLook(s_limit));
            Assert.NotEmpty(other!.Domains);
        }
    }

    [Fact]
    public void ADaemonThatIsNotThereIsASentenceAndTheOthersAreAsked()
    {
        using var driver = new LibvirtTestDriver();
        using var follower = LibvirtFollower.Start(
            ["qemu+unix:///system?socket=/nonexistent", LibvirtTestDriver.Uri, "no\u001bsuch:///driver"], () => { }, out _);
        Assert.True(follower!.WaitForFirstLook(s_limit));
        Assert.NotEmpty(follower.Domains);
        Assert.Equal(2, follower.Notices.Count);
        Assert.StartsWith(
            "libvirt at qemu+unix:///system?socket=/nonexistent cannot be asked: ", follower.Notices[0], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', follower.Notices[1]);
    }

    [Fact]
    public void NobodyIsAskedWhenNobodyIsNamed()
    {
        Assert.Null(LibvirtFollower.Start([], () => { }, out var notice));
        Assert.Null(notice);
    }

    private static LibvirtDomain Await(LibvirtFollower follower, Predicate<LibvirtDomain> wanted)
    {
        var watch = Stopwatch.StartNew();
        LibvirtDomain? found = null;
        Assert.True(
            Support.Await.Until(() => (found = follower.Domains.FirstOrDefault(d => wanted(d))) is not null),
            $"{string.Join(", ", follower.Domains)}: {string.Join(' ', follower.Notices)}");
        TestContext.Current.TestOutputHelper?.WriteLine($"waited {watch.ElapsedMilliseconds} ms for {found!.Name}");
        return found!;
    }
}
