// The index that a worker writes while it records: every packet is in one list, whatever happens to flows in the middle of
// a batch; each key finds its flows; what the packets alone give is the same.
using Tapline.Base.Native;
using Tapline.Record.Index;
using Tapline.Store;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record.Index;

public class LiveIndexTests
{
    private const int Points = 4;
    private const long SmallBudget = 64L << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EveryPacketIsInOneListAndEachKeyFindsItsFlows(int seed)
    {
        using var fixture = Record(TraceMaker.Frames(seed, 12_000), 60_000, SmallBudget);
        var segments = Segments(fixture);
        Assert.True(segments.Length > 2, "the test wants several segments");
        Assert.Equal(0, fixture.Recorder.WithoutIndex);
        foreach (var segment in segments)
        {
            IndexedSegment.AssertEveryPacketIsInOneList(segment);
            using var index = IndexedSegment.Open(segment);
            IndexedSegment.AssertEachKeyFindsItsFlows(index);
            Assert.Equal(IndexOrigin.Live, index.Header.Origin);
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void ThePacketsAloneGiveTheSameIndex(int seed)
    {
        using var fixture = Record(TraceMaker.Frames(seed, 12_000), 12_000, 1L << 30);
        var segment = Assert.Single(Segments(fixture));
        IndexContents live;
        using (var index = IndexedSegment.Open(segment))
        {
            live = IndexedSegment.Read(index);
        }

        Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        using var rebuiltIndex = IndexedSegment.Open(segment);
        Assert.Equal(IndexOrigin.Rebuilt, rebuiltIndex.Header.Origin);
        var rebuilt = IndexedSegment.Read(rebuiltIndex);
        Assert.Equal(live.Records.Count, rebuilt.Records.Count);
        for (var flow = 0; flow < live.Records.Count; flow++)
        {
            Assert.Equal(live.Packets[flow], rebuilt.Packets[flow]);
            Assert.Equal(Comparable(live, flow), Comparable(rebuilt, flow));
        }
    }

    [Fact]
    public void TheRecordsAreThoseOfTheSpool()
    {
        using var fixture = Record(TraceMaker.Frames(6, 12_000), 12_000, 1L << 30);
        using var index = IndexedSegment.Open(Assert.Single(Segments(fixture)));
        var spooled = fixture.Flows().ToDictionary(f => (f.FlowId, f.Part));
        var contents = IndexedSegment.Read(index);
        var seen = new HashSet<(ulong, byte)>();
        for (var flow = 1; flow < contents.Records.Count; flow++)
        {
            // Packets of no flow have no record; a flow whose frames differ much has several rows.
            var record = contents.Records[flow];
            if (record.Protocol == IndexProtocol.Loose || !seen.Add((record.FlowId, record.Part)))
            {
                continue;
            }

            Assert.True(spooled.Remove((record.FlowId, record.Part), out var expected));
            Assert.Equal(expected, record);
            Assert.InRange(record.Initiator.Retransmissions, 0, index.Zone(IndexColumn.InitiatorRetransmissions).Max);
            Assert.InRange(record.StartNs, index.Zone(IndexColumn.StartNs).Min, index.Zone(IndexColumn.StartNs).Max);
        }

        // What is left are fragments without their first one, which became a flow when nobody waited for it any more.
        Assert.All(spooled.Values, f => Assert.Equal((0, 0), (f.InitiatorPort, f.ResponderPort)));
    }

    [Fact]
    public void AFloodOfFlowsEndsSegmentsEarlyAndLosesNothing()
    {
        var frames = Enumerable.Range(0, 60_000).Select(i => new FrameBuilder().Ethernet()
            .Ipv4($"10.{i >> 14}.{(i >> 7) & 127}.{i & 127}", "10.99.0.1").Tcp(1024 + (i % 50_000), 80, TcpFlag.Syn).Build());
        using var fixture = Record(frames, 60_000, SmallBudget);
        Assert.Equal(60_000, fixture.Recorder.Recorded);
        var segments = Segments(fixture);
        long packets = 0;
        foreach (var segment in segments)
        {
            IndexedSegment.AssertEveryPacketIsInOneList(segment);
            using var index = IndexedSegment.Open(segment);
            packets += index.Header.Frames;
            Assert.True(index.Flows <= 8192 + 1, "a segment of 4 MiB keeps 8192 flows");
        }

        Assert.Equal(60_000, packets);
        Assert.Equal(0, fixture.Recorder.WithoutIndex);
    }

    [Fact]
    public void ATimeWindowCoversAllOfItsPackets()
    {
        using var fixture = Record(TraceMaker.Frames(8, 4000), 8000, 1L << 30);
        var segment = Assert.Single(Segments(fixture));
        using var index = IndexedSegment.Open(segment);
        var bytes = File.ReadAllBytes(segment);
        var packets = IndexedSegment.PacketOffsets(segment);
        var random = new Random(8);
        for (var round = 0; round < 200; round++)
        {
            var from = random.NextInt64(index.Header.FirstNs - 1_000_000, index.Header.LastNs + 1_000_000);
            var to = from + random.NextInt64(3_000_000);
            var inside = packets.Where(p => IndexedSegment.TimeAt(bytes, p) >= from && IndexedSegment.TimeAt(bytes, p) <= to).ToList();
            var range = index.OffsetRange(from, to);
            Assert.All(inside, p => Assert.InRange(p, range.From, range.To - 1));
            Assert.True(range.To <= bytes.Length);
        }
    }

    internal static WorkerFixture Record(IEnumerable<byte[]> frames, int count, long budgetBytes, DiskCalls? disk = null)
    {
        var random = new Random(count);
        WorkerFixture? fixture = null;
        var source = new ScriptedSource(frames, Points, Next);
        fixture = new WorkerFixture(source, new MemoryOutput { Taken = null }, disk: disk, budgetBytes: budgetBytes);
        fixture.Book.Set(Points);
        fixture.Worker.Run();
        Assert.Null(fixture.Worker.Fault);
        Assert.Equal(0, fixture.Recorder.Dropped);
        return fixture;

        // As fast as the disk takes them: what is lost by a disk that is too slow is another test's.
        int Next(ScriptedSource s) => s.Sent >= count ? -1
            : fixture!.Recorder.HasRoomForBurst ? Math.Min(random.Next(1, 256), count - s.Sent) : 0;
    }

    internal static string[] Segments(WorkerFixture fixture) =>
        [.. Directory.GetFiles(fixture.RecordingPath, "*.pcapng").Order(StringComparer.Ordinal)];

    // Flow ids are the run's; points are numbered by interface in a rebuilt index.
    private static (FlowRecord, string, string) Comparable(IndexContents contents, int flow)
    {
        var record = contents.Records[flow];
        var names = (contents.PointName(record.InitiatorPoint), contents.PointName(record.ResponderPoint));
        record.FlowId = 0;
        record.InitiatorPoint = 0;
        record.ResponderPoint = 0;
        return flow == 0 ? (record, "", "") : (record, names.Item1, names.Item2);
    }
}
