// Capture files by literal pieces: every variant and byte order gives the same frames; a file cut at each byte gives
// all frames before the cut and then one sentence; corrupt lengths end in a sentence, never in memory or a hang.
using System.IO.Compression;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Files;

public class CaptureFileReaderTests
{
    private static readonly byte[] s_one = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(21).Build();
    private static readonly byte[] s_two = new FrameBuilder().Ethernet().Ipv6().Tcp(3, 4).Payload(5).Build();

    /// <summary>A frame as delivered.</summary>
    private sealed record Seen(byte[] Bytes, FrameMeta Meta);

    public static TheoryData<string> Variants => new(Files().Select(file => file.Name));

    private static IEnumerable<(string Name, byte[] Bytes)> Files()
    {
        foreach (var big in new[] { false, true })
        {
            var order = big ? "big" : "little";
            yield return ($"pcap {order}", new CaptureBytes(big).PcapHeader()
                .PcapRecord(s_one, 1, 500).PcapRecord(s_two, 2, 7, original: 1500).ToArray());
            yield return ($"pcap nanoseconds {order}", new CaptureBytes(big).PcapHeader(0xA1B23C4D)
                .PcapRecord(s_one, 1, 500_000).PcapRecord(s_two, 2, 7000, original: 1500).ToArray());
            yield return ($"pcap modified {order}", new CaptureBytes(big).PcapHeader(0xA1B2CD34)
                .PcapRecord(s_one, 1, 500, extra: 8).PcapRecord(s_two, 2, 7, original: 1500, extra: 8).ToArray());
            yield return ($"pcap 2.2 lengths {order}", new CaptureBytes(big).PcapHeader(minor: 2)
                .PcapRecord(s_one, 1, 500).PcapRecord(s_two, 2, 7, captured: 1500, original: (uint)s_two.Length).ToArray());
            yield return ($"pcap fcs bits {order}", new CaptureBytes(big).PcapHeader(linkType: 0x2400_0001)
                .PcapRecord([.. s_one, 1, 2, 3, 4], 1, 500).PcapRecord(s_two, 2, 7, original: 1504).ToArray());
            yield return ($"pcapng {order}", new CaptureBytes(big).Section().Interface()
                .Enhanced(s_one, 1_000_500).Enhanced(s_two, 2_000_007, original: 1500).ToArray());
            yield return ($"pcapng with everything {order}", Everything(big));
        }
    }

    /// <summary>Frames in two sections with interfaces of other units, among all kinds of other blocks.</summary>
    private static byte[] Everything(bool big)
    {
        var file = new CaptureBytes(big);
        file.Section(120).Block(0x0BAD, new byte[8]).Interface();
        file.Interface(1, 0, file.Option(2, "eth1"u8.ToArray()), file.Option(9, 9), file.Option64(14, 1), file.Option(0));
        file.Block(4, new byte[16]).Block(5, new byte[12]).Block(0xA, new byte[200_000]).Block(0xBAD, new byte[4]);
        file.Enhanced(s_one, 500_000, id: 1).Section();
        file.Interface(1, 0, file.Option(9, 0x80 | 20), file.Option(13, 32));
        return file.Obsolete([.. s_two, 1, 2, 3, 4], 2 << 20).Block(0x40000BAD, new byte[4]).ToArray();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void EveryVariantGivesTheSameFrames(string name)
    {
        var bytes = Files().Single(file => file.Name == name).Bytes;
        foreach (var content in new[] { bytes, Gzip(bytes) })
        {
            var seen = Read(content, out var fault);
            Assert.Null(fault);
            Assert.Equal(2, seen.Count);
            Assert.Equal(s_one, seen[0].Bytes);
            Assert.Equal(s_two, seen[1].Bytes);
            Assert.Equal(1_000_500_000, seen[0].Meta.TimestampNs);
            Assert.Equal(name.Contains("everything", StringComparison.Ordinal) ? 2_000_000_000 : 2_000_007_000,
                seen[1].Meta.TimestampNs);
            Assert.Equal(s_one.Length, seen[0].Meta.OriginalLength);
            Assert.Equal([1, 2], seen.Select(frame => frame.Meta.FrameNumber));
            Assert.All(seen, frame => Assert.Equal(LinkType.Ethernet, frame.Meta.LinkType));
            Assert.All(seen, frame => Assert.True(frame.Meta.SourceOffset >= 24 && frame.Meta.SourceOffset < bytes.Length));
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void CutAtEachByteItGivesWhatIsWholeAndOneSentence(string name)
    {
        var bytes = Files().Single(file => file.Name == name).Bytes;
        var whole = Read(bytes, out _);
        var step = bytes.Length > 10_000 ? 997 : 1;
        for (var length = 0; length < bytes.Length; length += step)
        {
            var seen = Read(bytes[..length], out var fault);
            Assert.True(seen.Count < whole.Count || fault is null || seen.Count == whole.Count);
            for (var i = 0; i < seen.Count; i++)
            {
                Assert.Equal(whole[i].Bytes, seen[i].Bytes);
                Assert.Equal(whole[i].Meta, seen[i].Meta);
            }

            // Without a fault the cut must lie between two records: reading all of it again from there is possible.
            if (fault is null)
            {
                Assert.Contains(length, Boundaries(bytes, whole));
            }
            else
            {
                Assert.Matches(@"^test.*(byte \d+|is empty|begins neither|is text)", fault);
                Assert.DoesNotContain('\n', fault);
            }
        }
    }

    [Fact]
    public void ATruncatedGzipGivesTheFramesBeforeIt()
    {
        var file = new CaptureBytes().PcapHeader();
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var frame = new byte[100];
            random.NextBytes(frame);
            file.PcapRecord(frame);
        }

        var zipped = Gzip(file.ToArray());
        var seen = Read(zipped[..(zipped.Length / 2)], out var fault);
        Assert.InRange(seen.Count, 800, 1200);
        Assert.Matches(@"byte \d+ of the decompressed content: .*cut short", fault);
    }

    [Fact]
    public void ALengthBeyondTheLimitIsAFaultAndNoMemory()
    {
        var file = new CaptureBytes().PcapHeader().PcapRecord(s_one).PcapRecord(s_two, captured: 0x7FFF_FFFF);
        var seen = Read(file.ToArray(), out var fault);
        Assert.Single(seen);
        Assert.Equal($"test, byte {24 + 16 + s_one.Length}: a record claims 2147483647 captured bytes, more than a "
            + "frame's 524288 at most; the file is corrupt from here on.", fault);
    }

    [Fact]
    public void BadBlocksAreNamedWithTheirPlace()
    {
        var start = new CaptureBytes().Section().Interface().Enhanced(s_one, 1).ToArray();
        (byte[] Tail, string Sentence)[] cases =
        [
            (new CaptureBytes().Write(Little(6, 8), Little(8)).ToArray(), "claims a length of 8 bytes"),
            (new CaptureBytes().Write(Little(6, 34), new byte[40]).ToArray(), "claims a length of 34 bytes"),
            (new CaptureBytes().Write(Little(6, 0x7000_0000), new byte[40]).ToArray(), "claims 1879048192 bytes"),
            (new CaptureBytes().Enhanced(s_one, id: 9).ToArray(), "interface 9, which its section has not described"),
            (new CaptureBytes().Enhanced(s_one, captured: 5000).ToArray(), "claims 5000 captured bytes"),
            (new CaptureBytes().Block(0x0A0D0D0A, Little(0x11223344), new byte[12]).ToArray(), "byte-order magic"),
            (new CaptureBytes().Block(1, new byte[4]).ToArray(), "an interface block shorter"),
            (new CaptureBytes().Write(Little(6, 32), new byte[20], Little(36)).ToArray(), "length at its end differs"),
            (new CaptureBytes().Write(Little(0xBAD, 4000), new byte[40]).ToArray(), "the file ends here, 3952 bytes before"),
        ];
        foreach (var (tail, sentence) in cases)
        {
            var seen = Read([.. start, .. tail], out var fault);
            Assert.Single(seen);
            Assert.Contains(sentence, fault, StringComparison.Ordinal);
            Assert.Contains(", byte ", fault, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void SimplePacketsFollowTheSnapLengthAndTheTimeBefore()
    {
        var file = new CaptureBytes().Section().Interface(1, 20).Enhanced(s_one[..20], 77, original: 99)
            .Simple(s_one[..20], original: 63).ToArray();
        var seen = Read(file, out var fault);
        Assert.Null(fault);
        Assert.Equal([20, 20], seen.Select(frame => frame.Meta.CapturedLength));
        Assert.Equal([99, 63], seen.Select(frame => frame.Meta.OriginalLength));
        Assert.Equal(77_000, seen[1].Meta.TimestampNs);
    }

    [Fact]
    public void InterfacesBecomePointsInOrder()
    {
        var file = new CaptureBytes();
        file.Section().Interface(1, 96, file.Option(2, "eth0"u8.ToArray())).Interface(113).Enhanced(s_one, id: 1);
        file.Section().Interface(101, 0, file.Option(2, "tun0"u8.ToArray()), file.Option(9, 9)).Enhanced(s_one);
        using var reader = CaptureFileReader.Open("x.pcapng", new MemoryStream(file.ToArray()), 10, out _);
        using var block = new FrameBlock();
        Assert.NotNull(reader);
        Assert.Equal(LeaseResult.Frames, reader.Read(block, -1));
        Assert.Equal([11, 12], new[] { block.Meta(0).PointId, block.Meta(1).PointId }.Select(id => (int)id));
        Assert.Equal(["eth0", "x.pcapng", "tun0"], reader.Interfaces.Select(item => item.Name));
        Assert.Equal([LinkType.Ethernet, LinkType.LinuxSll, LinkType.Raw], reader.Interfaces.Select(item => item.LinkType));
        Assert.Equal([0, 0, 1], reader.Interfaces.Select(item => item.Section));
        Assert.Equal([1_000_000ul, 1_000_000ul, 1_000_000_000ul], reader.Interfaces.Select(item => item.TicksPerSecond));
        Assert.Equal(96u, reader.Interfaces[0].SnapLength);
    }

    [Fact]
    public void TimesBeyondEitherEndStayInside()
    {
        var file = new CaptureBytes();
        file.Section().Interface(1, 0, file.Option(9, 0)).Interface(1, 0, file.Option64(14, long.MinValue))
            .Interface(1, 0, file.Option(9, 127)).Interface(1, 0, file.Option(9, 255));
        file.Enhanced(s_one, long.MaxValue).Enhanced(s_one, 5, id: 1).Enhanced(s_one, 5, id: 2)
            .Enhanced(s_one, ulong.MaxValue, id: 3);
        var seen = Read(file.ToArray(), out var fault);
        Assert.Null(fault);
        Assert.Equal(long.MaxValue, seen[0].Meta.TimestampNs);
        Assert.True(seen[1].Meta.TimestampNs < 0);
        Assert.Equal([0, -1], seen.Skip(2).Select(frame => frame.Meta.TimestampNs));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("snoop\0\0\0\0\0\0\u0002", "Solaris snoop")]
    [InlineData("hello, this is no capture", "is text")]
    [InlineData("BZh91AY&SY12345", "bzip2 -dc")]
    [InlineData("\u0001\u0002\u0003\u0004\u0005\u0006", "begins neither like pcap nor like pcapng")]
    public void WhatIsNoCaptureIsNamed(string content, string expected)
    {
        Assert.Empty(Read(System.Text.Encoding.Latin1.GetBytes(content), out var fault));
        Assert.Contains(expected, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCannotBeOpenedIsNamed()
    {
        Assert.Null(CaptureFileReader.Open("/no/such/file", 0, out var missing));
        Assert.Equal("/no/such/file does not exist.", missing);
        Assert.Null(CaptureFileReader.Open(Path.GetTempPath(), 0, out var folder));
        Assert.Contains("is a folder", folder, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatShrinksWhileReadEndsWithASentence()
    {
        var path = Path.GetTempFileName();
        try
        {
            var file = new CaptureBytes().PcapHeader();
            for (var i = 0; i < 40_000; i++)
            {
                file.PcapRecord(s_one);
            }

            File.WriteAllBytes(path, file.ToArray());
            using var source = CaptureFileSource.Open(path, 0, out _);
            Assert.NotNull(source);
            var batch = new FrameBatch();
            Assert.Equal(LeaseResult.Frames, source.Lease(batch, -1));
            using (var shrink = new FileStream(path, FileMode.Open))
            {
                shrink.SetLength(1_500_001);
            }

            var frames = 0;
            LeaseResult result;
            do
            {
                frames += batch.Count;
                source.Release(batch);
                result = source.Lease(batch, -1);
            }
            while (result == LeaseResult.Frames);
            Assert.Equal(LeaseResult.Faulted, result);
            Assert.Equal((1_500_001 - 24) / (16 + s_one.Length), frames);
            Assert.Contains("the file ends at byte 1500001", source.Fault, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void ReadingAllocatesNothing()
    {
        var file = new CaptureBytes().PcapHeader();
        for (var i = 0; i < 100_000; i++)
        {
            file.PcapRecord(s_one);
        }

        Assert.Equal(0, Allocations.LeastMeasuredOf(() =>
        {
            using var reader = CaptureFileReader.Open("x", new MemoryStream(file.ToArray()), 0, out _);
            using var source = new CaptureFileSource(reader!);
            var batch = new FrameBatch();
            Assert.Equal(LeaseResult.Frames, source.Lease(batch, -1));
            var frames = batch.Count;
            var before = GC.GetAllocatedBytesForCurrentThread();
            while (source.Lease(batch, -1) == LeaseResult.Frames)
            {
                frames += batch.Count;
                source.Release(batch);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(100_000, frames);
            return allocated;
        }));
    }

    private static byte[] Little(params uint[] values) => values.SelectMany(BitConverter.GetBytes).ToArray();

    /// <summary>
    /// Places at which the file may end without anything missing: after the header and after each record or block.
    /// </summary>
    private static HashSet<int> Boundaries(byte[] bytes, List<Seen> whole)
    {
        var ends = new HashSet<int>();
        if (bytes[0] != 0x0A)
        {
            var header = bytes.AsSpan(0, 4).IndexOf((byte)0xCD) >= 0 ? 24 : 16;
            ends.Add(24);
            ends.UnionWith(whole.Select(frame => (int)frame.Meta.SourceOffset));
            ends.Add((int)whole[^1].Meta.SourceOffset + header);
            return ends;
        }

        var big = bytes[8] == 0x1A;
        for (var at = 0; at + 8 <= bytes.Length;)
        {
            var length = BitConverter.ToUInt32(bytes, at + 4);
            at += (int)(big ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(length) : length);
            ends.Add(at);
        }

        return ends;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var result = new MemoryStream();
        using (var gzip = new GZipStream(result, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return result.ToArray();
    }

    private static List<Seen> Read(byte[] content, out string? fault)
    {
        var seen = new List<Seen>();
        using var reader = CaptureFileReader.Open("test", new MemoryStream(content), 0, out var error);
        fault = error;
        if (reader is null)
        {
            return seen;
        }

        using var block = new FrameBlock();
        LeaseResult result;
        while ((result = reader.Read(block, -1)) == LeaseResult.Frames)
        {
            for (var i = 0; i < block.Count; i++)
            {
                seen.Add(new Seen(block.Bytes(i).ToArray(), block.Meta(i)));
            }
        }

        fault = reader.Fault;
        Assert.Equal(fault is null ? LeaseResult.End : LeaseResult.Faulted, result);
        return seen;
    }
}
