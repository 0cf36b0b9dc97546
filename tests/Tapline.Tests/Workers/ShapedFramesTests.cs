// Shapes on the way out of a query are those of mirror sessions: the same frames give the same bytes, with and without re-segmentation;
// lengths and options that stay true stay, and what must not be told is not told.
using System.Text;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Record.Extract;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

public class ShapedFramesTests
{
    private static readonly byte[] s_key = Enumerable.Range(0, 32).Select(i => (byte)(i * 7)).ToArray();

    [Theory]
    [InlineData("slice=64")]
    [InlineData("slice=l4+10")]
    [InlineData("slice=packets:3")]
    [InlineData("slice=bytes:2000,drop")]
    [InlineData("anonymise=k")]
    [InlineData("mask=payload;mask-fill=x")]
    [InlineData("mask=cards;anonymise=k;vlan=7;mac-dst=02:00:00:00:00:99;slice=l3+40")]
    [InlineData("strip=tunnels,vlan;anonymise=k;mask=offset:0+3")]
    [InlineData("dedup=50ms;sample=flow:1/2")]
    [InlineData("sample=random:1/3")]
    public void TheyGiveWhatAMirrorSessionGives(string shape)
    {
        var frames = Frames();
        var output = new MemoryOutput(4096, 8 << 20);
        using var session = new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x"), Shape = Plan(shape) }, output);
        foreach (var (meta, frame) in frames)
        {
            FrameDecoder.Decode(frame, meta, out var layout);
            session.Offer(meta, layout, frame);
            session.EndBatch();
        }

        var sink = new Sink();
        var wire = new WireFrames(sink);
        using var shaped = new ShapedFrames(Plan(shape), shape, wire, sink);
        Give(shaped, frames);
        Assert.True(output.Taken!.Count > 20);
        Assert.Equal(0, session.Counters.DroppedTooLong);
        Assert.Equal(output.Taken, sink.Frames);
        Assert.Equal(session.Counters.DroppedError, shaped.Withheld);
        Assert.Equal(session.Counters.Filtered + session.Counters.SampledOut, shaped.LeftOut);
    }

    [Fact]
    public void WithoutReSegmentationASuperFrameIsSlicedAsOneAndKeepsItsLengthAndFacts()
    {
        var frame = new SuperFrame { SegmentBytes = 1000, Payload = new byte[5000], IsPartial = true }.Build();
        var sink = new Sink();
        using var shaped = new ShapedFrames(Plan("slice=l4+8"), "slice=l4+8", null, sink);
        Give(shaped, [(frame.Meta, frame.Bytes)]);
        var (meta, block) = (Assert.Single(sink.Metas), Assert.Single(sink.Blocks));
        Assert.True(meta.CapturedLength < 100 && meta.OriginalLength == frame.Bytes.Length);
        var point = Point();
        Assert.True(PacketBlock.TryRead(block, point, out var read));
        Assert.Equal(
            (meta.CapturedLength, meta.OriginalLength, frame.Meta.GsoSize), (read.CapturedLength, read.OriginalLength, read.GsoSize));
    }

    [Fact]
    public void CommentsStayWithPacketsThatAreOnlySlicedAndNotWithMaskedOnes()
    {
        var frame = TraceMaker.Frames(1, 1)[0];
        var meta = new FrameMeta { CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet };
        var comment = new byte[4 + 8];
        _ = PcapngWriter.WriteOption(comment, 1, "password"u8);
        var block = new byte[1 << 12];
        var length = PcapngWriter.WritePacket(block, 0, meta, frame, comment);
        foreach (var (shape, isKept) in (ReadOnlySpan<(string, bool)>)[("slice=20", true), ("anonymise=k", false), ("vlan=3", false)])
        {
            var sink = new Sink();
            using var shaped = new ShapedFrames(Plan(shape), shape, null, sink);
            shaped.AddPoint(Point());
            shaped.Take(meta, block.AsSpan(0, length), frame);
            Assert.Equal(isKept, Encoding.ASCII.GetString(sink.Blocks[0]).Contains("password", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void FramesOfOtherLinksAreWithheldWhereSomethingMustBeHidden()
    {
        var frame = TraceMaker.Frames(1, 1)[0][14..];
        var meta = new FrameMeta { CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Raw };
        foreach (var (shape, isTaken) in (ReadOnlySpan<(string, bool)>)[("anonymise=k", false), ("slice=20", true)])
        {
            var sink = new Sink();
            using var shaped = new ShapedFrames(Plan(shape), shape, null, sink);
            Give(shaped, [(meta, frame)]);
            Assert.Equal(isTaken ? 1 : 0, sink.Frames.Count);
            Assert.Equal(isTaken ? 0 : 1, shaped.Withheld);
        }
    }

    [Fact]
    public void TheAccountNamesWhatIsDoneAndNoSecret()
    {
        const string Words = "mask=text:hunter2;slice=l4+64;sample=1/2";
        using var shaped = ShapedFrames.TryMake(Words, null, new Sink(), out var mistake);
        Assert.True(shaped is not null, mistake);
        Assert.Equal("mask, slice=l4+64, sample=1/2", shaped.Change);
        Assert.Contains("no rate", ShapedFrames.FindMistake("pace=100M"));
        Assert.NotNull(ShapedFrames.FindMistake("slice=never"));
        Assert.NotNull(ShapedFrames.FindMistake("anonymise=/nowhere/key"));
        Assert.Null(ShapedFrames.FindMistake(Words));
    }

    private static void Give(ShapedFrames shaped, List<(FrameMeta Meta, byte[] Bytes)> frames)
    {
        shaped.AddPoint(Point());
        var block = new byte[Limits.FileRecordBytesMax];
        foreach (var (meta, frame) in frames)
        {
            var length = PcapngWriter.WritePacket(block, 0, meta, frame);
            shaped.Take(meta, block.AsSpan(0, length), block.AsSpan(PcapngWriter.PacketHeaderBytes, frame.Length));
        }
    }

    private static ExtractPoint Point() => new(0, "eth0", "", LinkType.Ethernet, default);

    private static ShapePlan Plan(string shape)
    {
        var mistakes = new List<string>();
        var plan = ShapeParser.Parse(shape, _ => new ShapeKey(s_key, null), 42, mistakes);
        Assert.True(plan is not null, string.Join('\n', mistakes));
        return plan;
    }

    // Conversations, every kind of header, tunnels, and super-frames among them; some frames twice.
    private static List<(FrameMeta Meta, byte[] Bytes)> Frames()
    {
        var frames = new List<(FrameMeta, byte[])>();
        var samples = SampleFrames.All.Where(s => s.LinkType == LinkType.Ethernet).Select(s => s.Bytes);
        foreach (var bytes in TraceMaker.Frames(7, 400).Concat(samples))
        {
            Add(new FrameMeta { CapturedLength = bytes.Length, OriginalLength = bytes.Length, LinkType = LinkType.Ethernet }, bytes);
            if (frames.Count % 5 == 0)
            {
                Add(frames[^1].Item1, bytes);
            }
        }

        foreach (var outer in (int[])[0, 4])
        {
            var payload = Encoding.ASCII.GetBytes("card 4111 1111 1111 1111 " + new string('z', 6000));
            var super = new SuperFrame { VxlanOuterVersion = outer, SegmentBytes = 1000, Payload = payload, IsPartial = true }.Build();
            Add(super.Meta, super.Bytes);
        }

        return frames;

        void Add(FrameMeta meta, byte[] bytes)
        {
            if (bytes.Length >= 14 && (bytes.Length <= 1500 || meta.GsoSize > 0))
            {
                frames.Add((meta with { TimestampNs = frames.Count * 1_000_000L }, bytes));
            }
        }
    }

    private sealed class Sink : IExtractSink
    {
        public List<byte[]> Frames { get; } = [];

        public List<byte[]> Blocks { get; } = [];

        public List<FrameMeta> Metas { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
        {
            Frames.Add(frame.ToArray());
            Blocks.Add(block.ToArray());
            Metas.Add(meta);
        }

        public void Rest()
        {
        }
    }
}
