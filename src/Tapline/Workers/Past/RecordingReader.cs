// A recording as the source of a replay: a query whose frames go to the sender instead of a file. One thread.
using Tapline.Base;
using Tapline.Record.Extract;

namespace Tapline.Workers.Past;

/// <summary>Reads a recording for a replay.</summary>
internal sealed class RecordingReader : ReplayReader, IExtractSink
{
    private readonly ExtractFilter _filter;
    private readonly ExtractPlan _firstPlan;
    private readonly List<ushort> _numbers = [];
    private readonly CancellationTokenSource _full = new();
    private ExtractReport? _report;
    private long _examinedBefore;
    private long _bytesBefore;
    private long _outOfOrder;

    private RecordingReader(
        ReplayOptions options, FrameRing ring, ReplayPoints points, ExtractFilter filter, ExtractPlan plan)
        : base(options, ring, points)
    {
        _filter = filter;
        _firstPlan = plan;
        Holes = plan.Holes;
    }

    public override long Examined => _examinedBefore + (_report?.Examined ?? 0);

    public override long ReadBytes => _bytesBefore + (_report?.ReadBytes ?? 0);

    public override long TotalBytes => Options.Passes * _firstPlan.Bytes;

    public override long OutOfOrder => _outOfOrder;

    public override IReadOnlyList<string> Holes { get; }

    /// <summary>Plans the first pass; null and one sentence when there is no recording or the expression is wrong.</summary>
    public static RecordingReader? Open(
        ReplayOptions options, FrameRing ring, ReplayPoints points, out string? error, out bool isUsage)
    {
        isUsage = true;
        if (ExtractFilter.Compile(options.Filter ?? "", out error) is not { } filter)
        {
            return null;
        }

        isUsage = false;
        return ExtractPlan.Make(Query(options, filter), out error) is { } plan
            ? new RecordingReader(options, ring, points, filter, plan)
            : null;
    }

    public void Begin(ExtractPlan plan) => _numbers.Clear();

    public void AddPoint(ExtractPoint point) => _numbers.Add(Points.Add(point.Name, point.Description));

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
    {
        var played = meta;
        played.PointId = _numbers[meta.PointId];
        if (!_full.IsCancellationRequested && !Put(played, frame))
        {
            _full.Cancel();
        }
    }

    public void Rest()
    {
    }

    protected override void ReadOnce(CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _full.Token);
        var query = Query(Options, _filter);
        var plan = Passes == 1 ? _firstPlan : ExtractPlan.Make(query, out _);
        if (plan is null)
        {
            return;
        }

        var report = Extraction.Run(plan, query, this, r => _report = r, either.Token);
        Faults.AddRange(report.Faults.Except(Faults));
        _examinedBefore += report.Examined;
        _bytesBefore += report.ReadBytes;
        _outOfOrder += report.OutOfOrder;
        _report = null;
    }

    private static ExtractOptions Query(ReplayOptions options, ExtractFilter filter) => new()
    {
        Folder = options.Recording!,
        Filter = filter,
        SinceNs = options.SinceNs,
        UntilNs = options.UntilNs,
        MakeIndex = options.MakeIndex,
    };
}
