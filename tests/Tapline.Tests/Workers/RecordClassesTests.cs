// Classes of a recording: each frame is in the first class that wants it and nowhere else, every class's ledger balances, and what
// a class takes of a frame is what it says.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class RecordClassesTests
{
    private const int Rounds = 40;
    private const int EthernetIpTcp = 54;
    private static readonly RecordClassPlan s_database = new() { Name = "db", Filter = "port 5432", BudgetBytes = 64 << 20 };

    private static readonly byte[][] s_frames =
    [
        Tcp(40000, 5432, 500), Tcp(5432, 40000, 700), Tcp(40001, 80, 1000), Tcp(80, 40001, 900),
        new FrameBuilder().Ethernet().Ipv4().Udp(53, 5432).Payload(100).Build(), new FrameBuilder().Ethernet().Arp().Build(60),
    ];

    [Fact]
    public void EachFrameIsInTheFirstClassThatWantsItAndEveryLedgerBalances()
    {
        using var recording = new Recording(s_database, s_database with { Name = "web", Filter = "tcp" });
        recording.Run();
        Assert.Equal(3 * Rounds, recording.Frames("db").Count);
        Assert.Equal(2 * Rounds, recording.Frames("web").Count);
        Assert.Equal(Rounds, recording.Frames("").Count);
        foreach (var name in new[] { "db", "web", "" })
        {
            var rows = SegmentFile.Ledger(Assert.Single(recording.Segments(name)), out _);
            Assert.Equal(s_frames.Length * Rounds, rows.Sum(r => r.Captured));
            Assert.All(rows, r => Assert.Equal(r.Captured, r.Recorded + r.Filtered + r.OtherClass + r.DroppedRecorder));
            Assert.Equal(recording.Frames(name).Count, rows.Sum(r => r.Recorded));
        }

        Assert.Equal(s_frames.Length * Rounds, recording.Counted().Recorded);
    }

    [Fact]
    public void NoneKeepsNothingAndIsFilteredNotDropped()
    {
        using var recording = new Recording(s_database with { Take = new RecordTake(RecordTakeKind.None, 0) });
        recording.Run();
        Assert.False(Directory.Exists(Path.Combine(recording.Folder, "db")));
        Assert.Equal(3 * Rounds, recording.Frames("").Count);
        Assert.Equal((3 * Rounds, 0), (recording.Counted().Recorded, recording.Counted().DroppedRecorder));
        Assert.Equal(3 * Rounds, SegmentFile.Ledger(Assert.Single(recording.Segments("")), out _).Sum(r => r.Filtered));
    }

    [Theory]
    [InlineData(RecordTakeKind.Whole, 0, 554, 754, 142)]
    [InlineData(RecordTakeKind.Headers, 0, EthernetIpTcp, EthernetIpTcp, 42)]
    [InlineData(RecordTakeKind.Frame, 128, 128, 128, 128)]
    public void AClassTakesWhatItSays(RecordTakeKind kind, long bytes, int first, int second, int third)
    {
        using var recording = new Recording(s_database with { Take = new RecordTake(kind, bytes) });
        recording.Run();
        var frames = recording.Frames("db");
        Assert.Equal(3 * Rounds, frames.Count);
        Assert.All(frames.Chunk(3), chunk => Assert.Equal([first, second, third], chunk.Select(f => f.Bytes.Length)));
        Assert.All(frames.Chunk(3), chunk => Assert.Equal([554, 754, 142], chunk.Select(f => f.OriginalLength)));
        Assert.All(frames.Chunk(3), chunk => Assert.Equal(s_frames[0][..first], chunk[0].Bytes));
        var ledger = SegmentFile.Ledger(Assert.Single(recording.Segments("db")), out _);
        Assert.Equal((0, kind == RecordTakeKind.Whole ? 0 : 3 * Rounds), (ledger.Sum(r => r.Cut), ledger.Sum(r => r.Sliced)));
    }

    [Fact]
    public void AQueryReadsAllClassesAndCountsEachFrameOnce()
    {
        using var recording = new Recording(
            s_database with { Take = new RecordTake(RecordTakeKind.Headers, 0) },
            s_database with { Name = "web", Filter = "tcp src port 80" },
            s_database with { Name = "noise", Filter = "arp", Take = new RecordTake(RecordTakeKind.None, 0) });
        recording.Run();
        var plan = Ask(recording.Folder, "", out var frames, out _);
        Assert.Equal((s_frames.Length * Rounds, 5 * Rounds, Rounds), (plan.Arrived, plan.Recorded, plan.Filtered));
        Assert.Equal((3L * Rounds, "db"), (plan.Sliced, Assert.Single(plan.SlicedBy)));
        Assert.Contains($"{3 * Rounds} of these were cut on purpose, by what their class keeps (db).", PcapngAnswer.Account(plan));
        Assert.Equal(5 * Rounds, frames.Count);
        Assert.Equal(frames.Order(), frames);
        _ = Ask(recording.Folder, "port 5432", out frames, out var byIndex);
        Assert.Equal((3 * Rounds, true), (frames.Count, byIndex > 0));

        // A flow's facts are the same whichever class has its packets.
        _ = Ask(recording.Folder, "tcp and retransmissions > 10", out frames, out _);
        Assert.Equal(4 * Rounds, frames.Count);
        File.Delete(recording.Segments("web").Single());
        plan = Ask(recording.Folder, "", out frames, out _);
        Assert.Equal(4 * Rounds, frames.Count);
    }

    [Fact]
    public void AClassThatIsRecordedNoMoreIsKeptByTheRecordingsRules()
    {
        using var recording = new Recording(s_database);
        recording.Run();
        recording.Close();
        var plan = new RecordPlan { Folder = recording.Folder, BudgetBytes = 64 << 20, KeepNs = 3600 * Clock.SecondNs };
        var opening = new RecordOpening(plan, "n", 1, 0);
        Assert.Null(opening.Check());
        Assert.Null(opening.OpenFolders());
        var retired = Assert.Single(opening.Retired);
        Assert.Equal((1, 1), (retired.Segments, opening.Folders.Count));
        var newest = recording.Frames("db").Max(f => f.TimestampNs);
        for (var second = 0; second <= 601; second++) // too old as a whole: ten minutes to set the clock right
        {
            retired.Keep(new(), newest + (7200 + second) * Clock.SecondNs);
        }

        Assert.Equal((0, 1), (retired.Segments, recording.Segments("").Length));
        opening.Folders.Concat(opening.Retired).ToList().ForEach(f => f.Dispose());
    }

    [Fact]
    public void OfAFlowOnlyItsFirstBytesArePayload()
    {
        using var recording = new Recording(s_database with { Filter = "tcp", Take = new RecordTake(RecordTakeKind.Flow, 1500) });
        recording.Run();
        var frames = recording.Frames("db");
        Assert.Equal(4 * Rounds, frames.Count);
        int[] kept = [.. frames.Take(12).Select(f => f.Bytes.Length - EthernetIpTcp)];
        Assert.Equal([500, 700, 1000, 500, 300, 0, 0, 0, 0, 0, 0, 0], kept);
        Assert.All(frames.Skip(5), f => Assert.Equal(EthernetIpTcp, f.Bytes.Length));
    }

    [Fact]
    public void RecordingInClassesAllocatesNothing()
    {
        using var recording = new Recording(
            s_database with { Take = new RecordTake(RecordTakeKind.Flow, 1000) },
            s_database with { Name = "web", Filter = "tcp port 80", Take = new RecordTake(RecordTakeKind.Headers, 0, true) });
        recording.Run(2000);
        Assert.Equal(0, Allocations.LeastOf(() => recording.Feed(100_000 / s_frames.Length)));
    }

    [Theory]
    [InlineData("../x", "small letters")]
    [InlineData("", "small letters")]
    [InlineData("default", "small letters")]
    [InlineData("two", "two classes")]
    public void NamesThatCanNotBeAreSentences(string name, string part)
    {
        var plan = new RecordPlan { Folder = "/nowhere", Classes = [s_database with { Name = name }, s_database with { Name = "two" }] };
        Assert.Contains(part, new RecordOpening(plan, "n", 1, 0).Check());
    }

    [Fact]
    public void FiltersAndNumbersThatCanNotBeAreSentences()
    {
        var plan = new RecordPlan { Folder = "/nowhere", Classes = [s_database with { Filter = "tcp prot 80" }] };
        Assert.Contains("class db", new RecordOpening(plan, "n", 1, 0).Check());
        plan = plan with { Classes = [.. Enumerable.Range(0, Limits.RecordClassesMax).Select(i => s_database with { Name = $"c{i}" })] };
        Assert.Null(new RecordOpening(plan, "n", 4, 0).Check());
        Assert.Contains("fewer classes", new RecordOpening(plan, "n", Limits.WorkersMax, 0).Check());
        plan = plan with { Classes = [.. plan.Classes, s_database] };
        Assert.Contains("at most", new RecordOpening(plan, "n", 1, 0).Check());
    }

    private static ExtractPlan Ask(string folder, string expression, out List<long> times, out int segmentsByIndex)
    {
        var options = new ExtractOptions { Folder = folder, Filter = ExtractFilter.Compile(expression, out _)! };
        var plan = ExtractPlan.Make(options, out _)!;
        var sink = new TimeSink();
        var report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
        Assert.Empty(report.Faults);
        Assert.Equal(report.Selected, report.Points.Sum(p => p.Counts.Selected));
        Assert.Equal(
            plan.Arrived, expression.Length > 0 ? plan.Arrived : report.Points.Sum(p => p.Counts.Arrived));
        (times, segmentsByIndex) = (sink.Times, report.SegmentsByIndex + report.SegmentsRefused);
        return plan;
    }

    private static byte[] Tcp(int from, int to, int payload) => new FrameBuilder().Ethernet()
        .Ipv4(from > to ? "10.0.0.1" : "10.0.0.2", from > to ? "10.0.0.2" : "10.0.0.1").Tcp(from, to).Payload(payload).Build();

    private sealed class TimeSink : IExtractSink
    {
        public List<long> Times { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Times.Add(meta.TimestampNs);

        public void Rest()
        {
        }
    }

    /// <summary>One worker's pipeline that records in classes.</summary>
    private sealed class Recording : IDisposable
    {
        private const int Slots = 1024;
        private readonly TemporaryFolder _folder = new();
        private readonly RecordOpening _opening;
        private readonly SegmentRecorder[] _recorders;
        private readonly Pipeline<SpoolSink> _pipeline;
        private readonly ScriptedSource _source = new(s_frames, 1, _ => s_frames.Length);
        private readonly FrameBatch _batch = new();
        private bool _isClosed;

        public Recording(params RecordClassPlan[] classes)
        {
            _opening = new RecordOpening(new RecordPlan { Folder = Folder, BudgetBytes = 64 << 20, Classes = classes }, "n", 1, Slots);
            Assert.Null(_opening.Check());
            Assert.Null(_opening.OpenFolders());
            _recorders = _opening.OpenRecorders(null);
            _pipeline = new Pipeline<SpoolSink>
            {
                Counts = new WorkerCounts(16), Recorder = _recorders[0], Classes = _opening.ClassesOf(0, _recorders),
                Flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = Slots }, new SpoolSink(null)),
            };
            _pipeline.IndexFlows();
        }

        public string Folder => _folder["rec"];

        public PointCounts Counted() => _pipeline.Counts.ReadPoint(0);

        public void Run(int rounds = Rounds)
        {
            Feed(rounds);
            if (rounds == Rounds)
            {
                Array.ForEach(_recorders, r => r.Close(_source.NowNs));
            }
        }

        public void Feed(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                if (_source.Lease(_batch, 0) != LeaseResult.Frames) // an assertion would allocate
                {
                    throw new InvalidOperationException();
                }

                _pipeline.Process(_batch);
                _source.Release(_batch);
                _recorders[0].EndBatch(_source.NowNs);
                _pipeline.Classes!.EndBatch(_source.NowNs);
            }
        }

        /// <summary>Gives the folders back, so that another may open them.</summary>
        public void Close()
        {
            _isClosed = true;
            Array.ForEach(_recorders, r => r.Dispose());
            _opening.Folders.ForEach(f => f.Dispose());
        }

        public string[] Segments(string name) => Directory.GetFiles(Path.Combine(Folder, name), "*.pcapng");

        public List<ReadFrame> Frames(string name) => [.. Segments(name).Order().SelectMany(SegmentFile.Frames)];

        public void Dispose()
        {
            if (!_isClosed)
            {
                Close();
            }

            _pipeline.Flows!.Dispose();
            _pipeline.Dispose();
            _pipeline.Counts.Dispose();
            _folder.Dispose();
        }
    }
}
