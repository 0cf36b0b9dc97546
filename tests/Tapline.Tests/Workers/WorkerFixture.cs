// A real worker with real stages on a scripted source: flow table, spool, mirror session and recorder, run on the
// test's thread.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using Tapline.Record;
using Tapline.Store;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

/// <summary>One worker and all that it works with.</summary>
internal sealed class WorkerFixture : IDisposable
{
    private const int FlowSlots = 1 << 14;
    private readonly TemporaryFolder _folder = new();
    private readonly SpoolFolder _spoolFolder;
    private readonly SegmentFolder _segments;

    public WorkerFixture(ScriptedSource source, MemoryOutput output, bool allPoints = true, DiskCalls? disk = null, string? filter = null,
        long budgetBytes = 1 << 30)
    {
        Source = source;
        _spoolFolder = SpoolFolder.TryOpen(_folder["spool"], 1 << 30, out _)!;
        _segments = SegmentFolder.TryOpen(RecordingPath, budgetBytes, out _)!;
        Spool = new SpoolWriter(_spoolFolder, 0, "n");
        var recording = new RecorderOptions
        {
            Worker = 0, Node = "n", BufferBytes = 2 << 20, BufferCount = 4, FlowSlots = FlowSlots,
        };
        Recorder = new SegmentRecorder(_segments, recording, disk ?? new DiskCalls());
        Mirror = new MirrorSession(
            new MirrorSessionOptions
            {
                Id = 3,
                Name = "m",
                Target = TargetParser.Parse("nic:x0", out _)!,
                AllPoints = allPoints,
                Filter = CompiledFilter.Compile(filter, LinkType.Ethernet, out _) ?? CompiledFilter.Everything,
            },
            output);
        Pipeline = new Pipeline<SpoolSink>
        {
            Counts = new WorkerCounts(16),
            Flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = FlowSlots }, new SpoolSink(Spool)),
            Recorder = Recorder,
        };
        Pipeline.IndexFlows();
        Worker = new Worker(0, source, Pipeline, Spool, Book)
        {
            Now = () => source.NowNs,
            Mirrors = new MirrorBook(1, [new RunningMirror(
                Plan(allPoints), 3, Mirror.Options.Target, new KernelDecision("m1", false, "user path: a test."), [Mirror], kernel: null)]),
        };
    }

    /// <summary>Folder of the recording.</summary>
    public string RecordingPath => _folder["rec"];

    public ScriptedSource Source { get; }

    public SegmentFolder Recordings => _segments;

    public SpoolWriter Spool { get; }

    public SegmentRecorder Recorder { get; }

    public MirrorSession Mirror { get; }

    public Pipeline<SpoolSink> Pipeline { get; }

    public Worker Worker { get; }

    public ScriptedBook Book { get; } = new();

    // Points with even numbers, when not all.
    private static MirrorPlan Plan(bool allPoints) => new()
    {
        Session = "m", To = "nic:x0", From = allPoints ? [] : [.. Enumerable.Range(0, 8).Select(i => $"p{i * 2}")],
    };

    /// <summary>All flow records that reached the spool.</summary>
    public List<FlowRecord> Flows()
    {
        var reader = new SpoolReader(_folder["spool"]);
        var flows = new List<FlowRecord>();
        foreach (var name in reader.List())
        {
            Assert.Equal(SpoolReadResult.Batch, reader.Read(name, out var batch, out var fault));
            Assert.Null(fault);
            flows.AddRange(batch!.Flows);
        }

        return flows;
    }

    public void Dispose()
    {
        Pipeline.Flows!.Dispose();
        Pipeline.Counts.Dispose();
        Pipeline.Dispose();
        Mirror.Dispose();
        Recorder.Dispose();
        Spool.Dispose();
        _segments.Dispose();
        _spoolFolder.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Points that a test changes.</summary>
internal sealed class ScriptedBook : IPointBook
{
    public int Generation { get; private set; }

    public IReadOnlyList<LivePoint> Points { get; private set; } = [];

    /// <summary>Makes points with ids from 0 below <paramref name="count"/> known.</summary>
    public void Set(int count)
    {
        Points = [.. Enumerable.Range(0, count).Select(id => new LivePoint(
            new ObservationPoint { Id = (ushort)id, Name = $"p{id}", Kind = PointKind.Port }, PointState.Up))];
        Generation++;
    }
}
