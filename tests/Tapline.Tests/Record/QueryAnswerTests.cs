// What a query hands out: a file that other tools and our own reader open, machines by what the recording says of them, windows
// and limits, flows judged by their fields as tshark sees them, and damage that is told instead of hidden.
using System.Globalization;
using System.Text;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Record;

public class QueryAnswerTests
{
    private const ulong WebMac = 0x02_00_00_00_00_01;
    private const ulong OtherMac = 0x02_00_00_00_00_02;

    [Fact]
    public void MachinesAreFoundInBothDirectionsByNameIdAndTag()
    {
        using var fixture = new RecorderFixture();
        fixture.Recordings.SetMachines([new RecordedMachine("web01", "uuid-1", ["Shop front"], ["pci"], [WebMac])]);
        Append(fixture, 1, WebMac, OtherMac, 1); // sent by it
        Append(fixture, 2, OtherMac, WebMac, 2); // to it, by the uplink
        Append(fixture, 2, OtherMac, OtherMac, 3); // not its
        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        Assert.Equal([1, 2], Times(fixture, "vm web01"));
        Assert.Equal([1], Times(fixture, "src vm uuid-1"));
        Assert.Equal([2], Times(fixture, "dst vm \"Shop front\""));
        Assert.Equal([1, 2], Times(fixture, "tag pci"));
        Assert.Equal([3], Times(fixture, "not tag pci"));
        Assert.Equal([2, 3], Times(fixture, "point eth0"));
        Assert.Empty(Times(fixture, "vm db01"));
    }

    [Theory]
    [InlineData("vm web01 or src vm uuid-1 or vm \"Shop front\" or vm web*")]
    [InlineData("tag pci or point eth0")]
    [InlineData("host 192.0.2.1")]
    [InlineData("vm wbe01", "No machine is called `wbe01` in these segments; did you mean `web01`?")]
    [InlineData("not (vm database or vm database)",
        "No machine is called `database` in these segments; there are Shop front, uuid-1, web01.")]
    [InlineData("tag pcl and vm web01", "No machine has the tag `pcl` in these segments; did you mean `pci`?")]
    [InlineData("point tap9 or vm web01", "No point is called `tap9` in these segments; there are eth0, vnet1.")]
    public void ANameThatNothingBearsIsTold(string expression, params string[] told)
    {
        using var fixture = new RecorderFixture();
        fixture.Recordings.SetMachines([new RecordedMachine("web01", "uuid-1", ["Shop front"], ["pci"], [WebMac])]);
        Append(fixture, 1, WebMac, OtherMac, 1);
        Append(fixture, 2, OtherMac, WebMac, 2);
        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        var options = Options(fixture, expression);
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, new TimeSink(), null, CancellationToken.None);
        Assert.Equal(told, report.UnknownNames);
    }

    [Fact]
    public void WindowAndLimitAreExact()
    {
        using var fixture = new RecorderFixture();
        for (var i = 1; i <= 20; i++)
        {
            Append(fixture, 1, WebMac, OtherMac, i);
        }

        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        Assert.Equal(
            [5, 6, 7], Times(fixture, "", o => o with { SinceNs = RecorderFixture.Start + 5, UntilNs = RecorderFixture.Start + 8 }));
        Assert.Equal([1, 2, 3, 4], Times(fixture, "", o => o with { Limit = 4 }));
    }

    [Fact]
    public void TheAnswerIsAFileOfItsOwnWithFactsAndAccount()
    {
        using var fixture = new RecorderFixture();
        var meta = new FrameMeta
        {
            TimestampNs = RecorderFixture.Start, CapturedLength = 100, OriginalLength = 3000, PointId = 1, LinkType = LinkType.Ethernet,
            Flags = FrameFlags.ChecksumPartial | FrameFlags.Cut, GsoType = GsoType.Tcpv4, GsoSize = 1448,
            ChecksumStart = 34, ChecksumOffset = 16,
        };
        Assert.Equal(AppendResult.Recorded, fixture.Recorder.Append(meta, new byte[100]));
        fixture.Recorder.SetRingDrops(1, 7);
        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        var path = fixture.Folder["answer.pcap"];
        var report = Write(fixture, "", path);
        Assert.Equal((8, 7, 1), (report.Plan.Arrived, report.Plan.DroppedRing, report.Plan.Recorded));
        Assert.Contains(report.Plan.Holes, h => h.StartsWith("7 frames between", StringComparison.Ordinal));
        var text = Encoding.UTF8.GetString(SegmentFile.Blocks(path)[0].Body);
        Assert.Contains("arrived 8, dropped in the ring 7", text);
        Assert.Contains("7 frames between", text);
        using var source = CaptureFileSource.Open(path, 0, out _)!;
        var batch = new FrameBatch();
        Assert.Equal(LeaseResult.Frames, source.Lease(batch, 1000));
        var read = batch.Meta(0);
        Assert.Equal(
            (meta.TimestampNs, meta.OriginalLength, meta.GsoSize, meta.GsoType, meta.ChecksumStart, meta.Flags),
            (read.TimestampNs, read.OriginalLength, read.GsoSize, read.GsoType, read.ChecksumStart, read.Flags));
        Assert.Equal("vnet1", source.Reader.Interfaces[0].Name);
    }

    [Fact]
    public void AsAWireCarriesThemSuperFramesAreSegmentsWithWholeChecksums()
    {
        var capture = Path.Combine(RepositoryRoot.Path, "tests", "captures", "gso.pcapng");
        using var fixture = new RecorderFixture();
        Copy(capture, fixture, segmentBytes: 1448);
        fixture.Recorder.Close(RecorderFixture.Start);
        var path = fixture.Folder["wire.pcap"];
        var made = 0L;
        var options = Options(fixture, "");
        using (var stream = File.Create(path))
        {
            var answer = new PcapngAnswer(stream, "");
            var wire = new WireFrames(answer);
            answer.End(Extraction.Run(ExtractPlan.Make(options, out _)!, options, wire, null, CancellationToken.None));
            Assert.Equal(0, wire.LeftAsRecorded);
            made = wire.Made;
        }

        var rows = Tshark.Fields(path, ["frame.len", "tcp.checksum.status", "tcp.len"]);
        Assert.True(made > 0, "the capture has super-frames");
        Assert.All(rows, row => Assert.True(int.Parse(row[0], CultureInfo.InvariantCulture) <= 1514, row[0]));
        Assert.True(rows.Count(row => row[1] == "1") >= made, "a segment's checksum is wrong");
        var before = Tshark.Fields(fixture.Segments[0], ["tcp.len"]);
        Assert.Equal(Sum(before.Select(r => r[0])), Sum(rows.Select(r => r[2])));

        static long Sum(IEnumerable<string> lengths) =>
            lengths.Where(l => l.Length > 0).Sum(l => long.Parse(l, CultureInfo.InvariantCulture));
    }

    [Fact]
    public void WhatIsUnderWayIsReadUpToTheLastFlush()
    {
        using var fixture = new RecorderFixture();
        for (var i = 1; i <= 40; i++)
        {
            Append(fixture, 1, WebMac, OtherMac, i);
        }

        fixture.Recorder.EndBatch(RecorderFixture.Start);
        fixture.Recorder.EndBatch(RecorderFixture.Start + (2 * RecorderFixture.Second));
        Assert.True(Await.Until(() => Times(fixture, "").Count > 0));
        Assert.Empty(fixture.Segments);
        Assert.Equal(Enumerable.Range(1, 40).Select(i => (long)i), Times(fixture, ""));
        fixture.Recorder.Close(RecorderFixture.Start + (3 * RecorderFixture.Second));
        Assert.Single(fixture.Segments);
        Assert.Equal(40, Times(fixture, "").Count);
    }

    [Fact]
    public void ATornSegmentGivesItsWholePacketsAndIsTold()
    {
        using var fixture = new RecorderFixture();
        for (var i = 1; i <= 50; i++)
        {
            Append(fixture, 1, WebMac, OtherMac, i);
        }

        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        var segment = Assert.Single(fixture.Segments);
        var bytes = File.ReadAllBytes(segment);
        var random = new Random(1);
        for (var run = 0; run < 300; run++)
        {
            var copy = bytes.ToArray();
            copy[random.Next(copy.Length)] ^= (byte)random.Next(1, 256);
            File.WriteAllBytes(segment, copy[..random.Next(copy.Length / 2, copy.Length + 1)]);
            var options = Options(fixture, "ip or not ip");
            var plan = ExtractPlan.Make(options, out _)!;
            var report = Extraction.Run(plan, options, new TimeSink(), null, CancellationToken.None);
            Assert.InRange(report.Selected, 0, 50);
            Assert.True(report.Selected == 50 || plan.Holes.Count + report.Faults.Count > 0, $"run {run}: a loss is not told");
        }
    }

    [Theory]
    [InlineData("retransmissions > 0", "tcp.analysis.retransmission", 0)]
    [InlineData("not retransmissions > 2 and tcp", "tcp.analysis.retransmission", 2)]
    [InlineData("duplicate_acks > 1", "tcp.analysis.duplicate_ack", 1)]
    [InlineData("event retransmission", "tcp.analysis.retransmission", 0)]
    [InlineData("event = tcp.duplicate_ack", "tcp.analysis.duplicate_ack", 0)]
    [InlineData("event contains lost_seg", "tcp.analysis.lost_segment", 0)]
    [InlineData("not event tcp.lost_segment and tcp", "tcp.analysis.lost_segment", 0)]
    public void FieldsOfFlowsSelectTheConversationsThatTsharkNames(string expression, string field, int above)
    {
        var capture = Path.Combine(RepositoryRoot.Path, "tests", "captures", "loss.pcapng");
        var rows = Tshark.Fields(capture, ["tcp.stream", field]);
        var events = rows.Where(r => r[0].Length > 0).GroupBy(r => r[0]).ToDictionary(g => g.Key, g => g.Count(r => r[1].Length > 0));
        var isNegated = expression.StartsWith("not", StringComparison.Ordinal);
        var expected = rows.Count(r => r[0].Length > 0 && (events[r[0]] > above) != isNegated);
        using var fixture = new RecorderFixture();
        Copy(capture, fixture);
        fixture.Recorder.Close(RecorderFixture.Start);
        Assert.True(SegmentIndexer.TryIndex(Assert.Single(fixture.Segments), out var sentence), sentence);
        Assert.Equal(expected, Times(fixture, expression).Count);
    }

    [Fact]
    public void WhatRecordingsDoNotKnowIsRefusedWithASentence()
    {
        Assert.Null(ExtractFilter.Compile("status >= 500", out var error));
        Assert.Contains("`status`", error);
        Assert.Contains("retransmissions", error);
        Assert.Null(ExtractFilter.Compile("tcp and event teapot", out error));
        Assert.Contains("no event `teapot` (column 9)", error);
        Assert.Contains("tcp.zero_window", error);
        Assert.Null(ExtractFilter.Compile("event > 3", out _));
        Assert.Null(ExtractFilter.Compile("tcp port", out error));
        Assert.Contains("column", error);
    }

    private static void Copy(string capture, RecorderFixture fixture, ushort segmentBytes = 0)
    {
        using var source = CaptureFileSource.Open(capture, 0, out var error);
        Assert.True(source is not null, error);
        var batch = new FrameBatch();
        while (source.Lease(batch, 1000) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var meta = batch.Meta(i);
                meta.PointId = 1;
                if (segmentBytes > 0 && meta.OriginalLength > 1514)
                {
                    (meta.GsoType, meta.GsoSize) = (GsoType.Tcpv4, segmentBytes);
                }

                Assert.Equal(AppendResult.Recorded, fixture.Recorder.Append(meta, batch.Bytes(i)));
            }

            source.Release(batch);
        }
    }

    private static void Append(RecorderFixture fixture, ushort point, ulong source, ulong destination, int number)
    {
        var frame = new byte[60];
        for (var i = 0; i < 6; i++)
        {
            frame[i] = (byte)(destination >> (40 - (8 * i)));
            frame[6 + i] = (byte)(source >> (40 - (8 * i)));
        }

        frame[12] = 0x88;
        frame[13] = 0xb5;
        var meta = new FrameMeta
        {
            TimestampNs = RecorderFixture.Start + number, CapturedLength = 60, OriginalLength = 60, PointId = point,
            LinkType = LinkType.Ethernet,
        };
        Assert.Equal(AppendResult.Recorded, fixture.Recorder.Append(meta, frame));
    }

    private static ExtractOptions Options(RecorderFixture fixture, string expression)
    {
        var filter = ExtractFilter.Compile(expression, out var error);
        Assert.True(filter is not null, error);
        return new ExtractOptions { Folder = fixture.Folder.Path, Filter = filter };
    }

    private static List<long> Times(RecorderFixture fixture, string expression, Func<ExtractOptions, ExtractOptions>? change = null)
    {
        var options = Options(fixture, expression);
        options = change?.Invoke(options) ?? options;
        var sink = new TimeSink();
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, null, CancellationToken.None);
        Assert.Empty(report.Faults);
        Assert.Equal(report.Selected, sink.Times.Count);
        return sink.Times;
    }

    private static ExtractReport Write(RecorderFixture fixture, string expression, string path)
    {
        var options = Options(fixture, expression);
        using var stream = File.Create(path);
        var answer = new PcapngAnswer(stream, expression);
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, answer, null, CancellationToken.None);
        answer.End(report);
        return report;
    }

    private sealed class TimeSink : IExtractSink
    {
        public List<long> Times { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) =>
            Times.Add(meta.TimestampNs - RecorderFixture.Start);

        public void Rest()
        {
        }
    }
}
