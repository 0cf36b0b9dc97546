// Containers hold what was put into them, at any offset; and whatever is done to the file, what comes out is a beginning of it, or
// a clause that says what is wrong.
using CsCheck;
using Tapline.Record.Container;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Container;

public sealed class ContainerTests
{
    private static readonly Gen<byte[][]> s_parts = Gen.Select(Gen.Int[1, 90_000], Gen.Int, (length, seed) =>
    {
        var part = new byte[length];
        var random = new Random(seed);
        random.NextBytes(part.AsSpan(0, random.Next(length + 1)));
        return part;
    }).Array[1, 8];

    private static readonly (SegmentCompression Compression, bool IsEncrypted)[] s_ways =
    [
        (SegmentCompression.None, true), (SegmentCompression.Lz4, false), (SegmentCompression.Lz4, true), (SegmentCompression.None, false),
    ];

    [Fact]
    public void AnyPartOfTheContentIsReadAtAnyOffset()
    {
        using var keys = new TestKeys();
        s_parts.Sample(
            parts =>
            {
                using var folder = new TemporaryFolder();
                var content = parts.SelectMany(p => p).ToArray();
                foreach (var (compression, isEncrypted) in s_ways)
                {
                    ContainerFile.Write(folder["a.tlz"], compression, isEncrypted ? keys.Known : null, parts);
                    Assert.True(content.AsSpan().SequenceEqual(ContainerFile.Read(folder["a.tlz"], out var fault)));
                    Assert.Null(fault);
                    using var input = SegmentInput.Open(folder["a.tlz"]);
                    Assert.Equal((content.Length, isEncrypted), ((int)input.Length, input.IsEncrypted));
                    var random = new Random(parts.Length);
                    for (var turn = 0; turn < 50; turn++)
                    {
                        var offset = random.Next(content.Length + 1);
                        var window = new byte[random.Next(1, turn % 2 == 0 ? 500 : 200_000)];
                        var read = input.Read(window, offset);
                        Assert.Equal(Math.Min(window.Length, content.Length - offset), read);
                        Assert.True(content.AsSpan(offset, read).SequenceEqual(window.AsSpan(0, read)));
                    }
                }
            },
            iter: 25,
            threads: 1);
    }

    [Fact]
    public void ACutFileGivesItsWholeBlocksAndAFlippedBitNeverOtherBytes()
    {
        using var keys = new TestKeys();
        s_parts.Sample(
            parts =>
            {
                using var folder = new TemporaryFolder();
                var content = parts.SelectMany(p => p).ToArray();
                var random = new Random(content.Length);
                foreach (var (compression, isEncrypted) in s_ways)
                {
                    ContainerFile.Write(folder["a.tlz"], compression, isEncrypted ? keys.Known : null, parts);
                    var file = File.ReadAllBytes(folder["a.tlz"]);
                    var blocks = ContainerFile.Blocks(file);
                    var cuts = blocks.ConvertAll(b => b.Offset).Concat(Enumerable.Range(0, 10).Select(_ => random.Next(file.Length)));
                    foreach (var cut in cuts)
                    {
                        File.WriteAllBytes(folder["b.tlz"], file[..cut]);
                        var whole = blocks.TakeWhile(b => b.Offset + b.Bytes <= cut).Count();
                        var read = ContainerFile.Read(folder["b.tlz"], out var fault);
                        Assert.True(content.AsSpan().StartsWith(read), $"cut at {cut}");
                        Assert.NotNull(fault);
                        Assert.True(whole == 0 || read.Length > 0, $"cut at {cut}: {whole} whole blocks are not given");
                    }

                    for (var turn = 0; turn < 40; turn++)
                    {
                        var changed = file.ToArray();
                        changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                        File.WriteAllBytes(folder["b.tlz"], changed);
                        var read = ContainerFile.Read(folder["b.tlz"], out var fault);
                        Assert.True(content.AsSpan().StartsWith(read), $"turn {turn}");
                        Assert.True(fault is not null || read.Length == content.Length, $"turn {turn}: a loss is not told");
                    }
                }
            },
            iter: 3,
            threads: 1);
    }

    [Fact]
    public void EncryptedBlocksCanNotBeMovedRepeatedOrRelabelled()
    {
        using var keys = new TestKeys();
        using var folder = new TemporaryFolder();
        byte[][] parts = [.. Enumerable.Range(0, 5).Select(i => Enumerable.Repeat((byte)i, 1000).ToArray())];
        ContainerFile.Write(folder["a.tlz"], SegmentCompression.None, keys.Known, parts);
        ContainerFile.Write(folder["c.tlz"], SegmentCompression.None, keys.Known, parts);
        var file = File.ReadAllBytes(folder["a.tlz"]);
        var other = File.ReadAllBytes(folder["c.tlz"]);
        var blocks = ContainerFile.Blocks(file);
        const int Moved = 3;

        // Another block of the file, the same block of another file, and another block that claims to be this one.
        (byte[] Source, int Number, bool IsRelabelled)[] changes =
            [(file, 1, false), (other, Moved, false), (file, 1, true), (other, Moved, true)];
        foreach (var (source, number, isRelabelled) in changes)
        {
            var changed = file.ToArray();
            source.AsSpan(blocks[number].Offset, blocks[number].Bytes).CopyTo(changed.AsSpan(blocks[Moved].Offset));
            if (isRelabelled)
            {
                file.AsSpan(blocks[Moved].Offset, 24).CopyTo(changed.AsSpan(blocks[Moved].Offset));
                ContainerFile.Seal(changed.AsSpan(blocks[Moved].Offset, BlockHeader.Bytes));
            }

            File.WriteAllBytes(folder["b.tlz"], changed);
            var read = ContainerFile.Read(folder["b.tlz"], out var fault);
            Assert.Equal(Moved * 1000, read.Length);
            Assert.Contains("block 3", fault);
        }

        // A table that leaves the last block out can't be made without the key.
        var shorter = file[..blocks[4].Offset].Concat(file[blocks[5].Offset..^ContainerTrailer.Bytes]).ToArray();
        var trailer = new byte[ContainerTrailer.Bytes];
        new ContainerTrailer(blocks[4].Offset, 4000, 4).Write(trailer);
        File.WriteAllBytes(folder["b.tlz"], [.. shorter, .. trailer]);
        Assert.Equal(4000, ContainerFile.Read(folder["b.tlz"], out var told).Length);
        Assert.Equal("it is not finished", told);
    }

    [Fact]
    public void NoNonceIsUsedTwiceUnderOneSalt()
    {
        using var keys = new TestKeys();
        using var folder = new TemporaryFolder();
        var seen = new HashSet<string>();
        var salts = new HashSet<string>();
        for (var number = 0; number < 40; number++)
        {
            ContainerFile.Write(folder["a.tlz"], SegmentCompression.Lz4, keys.Known, [new byte[200_000], new byte[3]]);
            var file = File.ReadAllBytes(folder["a.tlz"]);
            Assert.True(salts.Add(ContainerFile.Salt(file)));
            Assert.All(ContainerFile.Blocks(file), b => Assert.True(seen.Add(ContainerFile.Salt(file) + b.Nonce)));
        }
    }

    [Fact]
    public void WhatIsBeingWrittenIsReadUpToItsLastWholeBlockAndOn()
    {
        using var folder = new TemporaryFolder();
        ContainerFile.Write(folder["a.tlz"], SegmentCompression.Lz4, null, [new byte[1000], new byte[70_000], new byte[10]]);
        var file = File.ReadAllBytes(folder["a.tlz"]);
        var blocks = ContainerFile.Blocks(file);
        using var stream = new FileStream(folder["b.tlz"], FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        stream.Write(file.AsSpan(0, blocks[1].Offset + 70));
        stream.Flush();
        using var input = SegmentInput.Open(folder["b.tlz"]);
        var window = new byte[100_000];
        Assert.Equal(1000, input.Read(window, 0));
        Assert.Equal(0, input.Read(window, 1000));
        stream.Write(file.AsSpan(blocks[1].Offset + 70));
        stream.Flush();
        Assert.Equal(70_010, input.Read(window, 1000));
        Assert.Equal(0, input.Read(window, 71_010));
    }

    [Fact]
    public void AKeyThatIsNotKnownIsNamedAndAListBesideTheFileMakesItKnown()
    {
        using var keys = new TestKeys();
        using var folder = new TemporaryFolder();
        var key = keys.Unknown();
        ContainerFile.Write(folder["a.tlz"], SegmentCompression.None, key, [[1, 2, 3]]);
        Assert.Empty(ContainerFile.Read(folder["a.tlz"], out var fault));
        Assert.Contains(key.Id, fault);
        Assert.Contains("--key", fault);
        Assert.Null(KeyRing.Note(folder.Path, key));
        Assert.Null(KeyRing.Note(folder.Path, key));
        Assert.Single(File.ReadAllLines(folder[KeyRing.ListName]), l => l[0] == '/');
        Assert.Equal([1, 2, 3], ContainerFile.Read(folder["a.tlz"], out fault));
        Assert.Null(fault);
    }

    [Fact]
    public void KeysAreFilesThatOnlyTheirOwnerReadsAndThatAreNeverOverwritten()
    {
        using var folder = new TemporaryFolder();
        var path = folder["k"];
        var key = SegmentKey.Create(path, out _)!;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Matches("^[0-9a-f]{64}\n$", File.ReadAllText(path));
        Assert.Equal(key.Id, SegmentKey.TryRead(path, out _)!.Id);
        Assert.Null(SegmentKey.Create(path, out var error));
        Assert.Contains("never overwritten", error);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Null(SegmentKey.TryRead(path, out error));
        Assert.Contains("chmod 600", error);
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        Assert.NotNull(SegmentKey.TryRead(path, out _));
        foreach (var text in new[] { "", "00", new string('0', 63) + "g", new string('0', 64) + " ", new string('0', 66) })
        {
            File.WriteAllText(folder["bad"], text);
            File.SetUnixFileMode(folder["bad"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Assert.Null(SegmentKey.TryRead(folder["bad"], out error));
            Assert.Contains("tapline key new", error);
        }

        Assert.Null(SegmentKey.TryRead(folder["none"], out error));
        Assert.Contains("tapline key new", error);
        Assert.Null(SegmentKey.TryRead(folder.Path, out error));
        Assert.Null(SegmentKey.Create(folder["no/such"], out error));
        Assert.NotNull(error);
    }
}
