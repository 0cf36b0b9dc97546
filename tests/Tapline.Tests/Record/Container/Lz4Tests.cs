// Blocks of LZ4 both ways, with the lz4 tool as the witness for each, and hostile bytes for the decoder.
using System.Buffers.Binary;
using System.Diagnostics;
using CsCheck;
using Tapline.Record.Container;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Container;

public sealed class Lz4Tests
{
    // A frame without checksums, of independent blocks of 64 KiB: magic, FLG, BD, and the checksum of those two.
    private static readonly byte[] s_frameHead = [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x82];

    // Pieces that repeat at all distances, runs, and noise: what a block may be made of.
    private static readonly Gen<byte[]> s_content = Gen.Select(
        Gen.Int[1, 60], Gen.Int[1, 40_000], Gen.Int[0, int.MaxValue], (pieces, longest, seed) => Make(pieces, longest, seed));

    [Fact]
    public void WhatIsCompressedComesBack() => s_content.Sample(
        content =>
        {
            var packed = Encode(content);
            if (packed.Length == 0)
            {
                return; // it does not shrink
            }

            var unpacked = new byte[content.Length];
            Assert.True(Lz4Decoder.TryDecode(packed, unpacked));
            Assert.Equal(content, unpacked);
            Assert.False(Lz4Decoder.TryDecode(packed, new byte[content.Length + 1]));
            Assert.False(Lz4Decoder.TryDecode(packed, new byte[content.Length - 1]));
            Assert.False(Lz4Decoder.TryDecode(packed.AsSpan(0, packed.Length - 1), unpacked));
        },
        iter: 300);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(20)]
    [InlineData(Lz4Encoder.BlockBytesMax)]
    public void RunsOfAnyLengthComeBack(int length)
    {
        var content = new byte[length];
        var packed = new byte[length + 64];
        var bytes = new Lz4Encoder().Encode(content, packed);
        var unpacked = Enumerable.Repeat((byte)7, length).ToArray();
        Assert.True(Lz4Decoder.TryDecode(packed.AsSpan(0, bytes), unpacked));
        Assert.Equal(content, unpacked);
        Assert.True(length < 1000 || bytes < length / 200, "a run takes next to nothing");
    }

    [Fact]
    public void TheToolUnpacksOurBlocksAndWeUnpackItsOwn()
    {
        NeedsTool();
        var content = Sample();
        using var folder = new TemporaryFolder();
        using (var ours = File.Create(folder["ours.lz4"]))
        {
            ours.Write(s_frameHead);
            foreach (var block in content.Chunk(Lz4Encoder.BlockBytesMax))
            {
                var packed = Encode(block);
                Write(ours, packed.Length == 0 ? block.Length | int.MinValue : packed.Length);
                ours.Write(packed.Length == 0 ? block : packed);
            }

            Write(ours, 0);
        }

        Run("-dfq", folder["ours.lz4"], folder["ours"]);
        Assert.True(content.AsSpan().SequenceEqual(File.ReadAllBytes(folder["ours"])));

        File.WriteAllBytes(folder["content"], content);
        Run("-1fq", "-B4", "-BI", "--no-frame-crc", folder["content"], folder["theirs.lz4"]);
        var theirs = File.ReadAllBytes(folder["theirs.lz4"]);
        Assert.Equal(s_frameHead[..6], theirs[..6]);
        Assert.True(content.AsSpan().SequenceEqual(Unframe(theirs, content.Length)));
        Assert.InRange(new FileInfo(folder["ours.lz4"]).Length, 1, (long)(theirs.Length * 1.02));
    }

    [Fact]
    public void HostileBlocksAreRefusedWithinTheirBounds() => Gen.Select(s_content, Gen.Int).Sample(
        (content, seed) =>
        {
            var random = new Random(seed);
            var packed = Encode(content);
            packed = packed.Length == 0 ? content[..Math.Min(content.Length, 500)] : packed;
            var target = new byte[content.Length];
            for (var turn = 0; turn < 20; turn++)
            {
                var hostile = packed.ToArray();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                {
                    hostile[random.Next(hostile.Length)] = (byte)random.Next(256);
                }

                _ = Lz4Decoder.TryDecode(hostile, target);
                _ = Lz4Decoder.TryDecode(hostile.AsSpan(random.Next(hostile.Length)), target);
            }
        },
        iter: 100);

    [Fact]
    public void NothingIsAllocated()
    {
        var encoder = new Lz4Encoder();
        var content = Make(30, 5000, 1);
        var packed = new byte[content.Length];
        var unpacked = new byte[content.Length];
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var turn = 0; turn < 100; turn++)
            {
                var bytes = encoder.Encode(content, packed);
                _ = Lz4Decoder.TryDecode(packed.AsSpan(0, bytes), unpacked);
            }
        }));
    }

    private static byte[] Encode(byte[] content)
    {
        var packed = new byte[content.Length];
        return packed[..new Lz4Encoder().Encode(content, packed.AsSpan(0, Math.Max(0, content.Length - 1)))];
    }

    private static byte[] Make(int pieces, int longest, int seed)
    {
        var random = new Random(seed);
        var content = new List<byte>();
        while (pieces-- > 0 && content.Count < Lz4Encoder.BlockBytesMax)
        {
            var length = random.Next(1, Math.Min(longest, Lz4Encoder.BlockBytesMax - content.Count) + 1);
            var from = content.Count == 0 ? 0 : random.Next(content.Count);
            var kind = content.Count == 0 ? 1 : random.Next(4);
            var value = (byte)random.Next(256);
            for (var i = 0; i < length; i++)
            {
                content.Add(kind switch
                {
                    0 => (byte)random.Next(256),
                    1 => value,
                    2 => (byte)(i % (1 + (value % 9))),
                    _ => content[from + i],
                });
            }
        }

        return [.. content];
    }

    // Captures of the repository, as often as it takes for several blocks.
    private static byte[] Sample()
    {
        var all = Directory.GetFiles(Path.Combine(RepositoryRoot.Path, "tests", "captures"), "*.pcapng")
            .Order(StringComparer.Ordinal).SelectMany(File.ReadAllBytes).ToArray();
        Assert.True(all.Length > 4 * Lz4Encoder.BlockBytesMax, "the captures are too small");
        return all;
    }

    private static byte[] Unframe(byte[] frame, int contentBytes)
    {
        var content = new List<byte>();
        for (var at = s_frameHead.Length; BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(at)) is > 0 and var word;)
        {
            var bytes = (int)(word & int.MaxValue);
            var block = frame.AsSpan(at + sizeof(uint), bytes);
            if ((word >> 31) != 0)
            {
                content.AddRange(block);
            }
            else
            {
                // A block does not say how long its content is: all have 64 KiB but the last.
                var unpacked = new byte[Math.Min(Lz4Encoder.BlockBytesMax, contentBytes - content.Count)];
                Assert.True(Lz4Decoder.TryDecode(block, unpacked), "a block of the tool can't be read");
                content.AddRange(unpacked);
            }

            at += sizeof(uint) + bytes;
        }

        return [.. content];
    }

    private static void Write(Stream stream, int word)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, word);
        stream.Write(bytes);
    }

    private static void NeedsTool() =>
        Assert.SkipUnless(File.Exists("/usr/bin/lz4"), "lz4 is not installed (apt install lz4)");

    private static void Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/lz4", arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}
