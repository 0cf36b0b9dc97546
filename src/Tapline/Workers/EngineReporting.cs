// The report of a finished run, from the settled ledger.
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>Makes <see cref="EngineReport"/>s.</summary>
internal static class EngineReporting
{
    public static EngineReport Report(EngineParts parts, long allocated, string? fault, TimeSpan time)
    {
        var view = parts.NewView();
        view.Read();
        var points = new List<PointReport>();
        foreach (var live in view.Points)
        {
            var counts = view.Counts(live.Point.Id);
            var dropped = parts.Losses.Dropped(live.Point.Id);
            points.Add(new PointReport
            {
                Point = live.Point.Name,
                Arrived = counts.Captured + dropped,
                DroppedRing = dropped,
                Counts = counts,
            });
        }

        var totals = parts.Pipelines.Select(p => p.Counts.ReadTotals()).ToList();
        return new EngineReport
        {
            Fault = fault,
            HasRun = true,
            Points = points,
            Mirrors = Mirrors(parts),
            Recorder = Recorder(parts),
            DurationNs = (long)(time.TotalSeconds * Clock.SecondNs),
            AllocatedBytes = allocated,
            FlowsCreated = totals.Sum(t => t.FlowsCreated),
            FlowsEvicted = totals.Sum(t => t.FlowsEvicted),
            FlowRecordsWritten = parts.Spools.Sum(s => s.RecordsWritten),
            FlowRecordsDropped = parts.Spools.Sum(s => s.RecordsDropped),
        };
    }

    /// <summary>What the recorders did so far; any thread. Null when nothing is recorded.</summary>
    public static RecorderReport? Recorder(EngineParts parts) => parts.RecordFolders is not [var main, ..] folders ? null : new()
    {
        Folder = main.Path,
        Recorded = parts.Recorders.Sum(r => r.Recorded),
        Dropped = parts.Recorders.Sum(r => r.Dropped),
        Sliced = parts.Recorders.Sum(r => r.Sliced),
        WrittenBytes = parts.Recorders.Sum(r => r.BytesWritten),
        Segments = folders.Sum(f => f.Segments),
        UsedBytes = folders.Sum(f => f.UsedBytes),
        BudgetBytes = folders.Sum(f => f.BudgetBytes),
        Removed = folders.Sum(f => f.Removed),
        Holds = main.Holds,
        HeldBytes = folders.Sum(f => f.HeldBytes),
        Notice = folders.Select(f => f.Notice).FirstOrDefault(n => n is not null),
        Recovered = folders.Sum(f => f.Recovered),
        WithoutIndex = parts.Recorders.Sum(r => r.WithoutIndex),
        WithoutSeal = parts.Recorders.Sum(r => r.WithoutSeal),
        SealsWaiting = parts.Recorders.Sum(r => r.SealsWaiting),
        IsDirect = parts.Recorders.All(r => r.IsDirect),
        StallReason = parts.Recorders.Select(r => r.StallReason).FirstOrDefault(r => r is not null),
        Triggers = parts.Triggers?.States ?? [],
        Classes = folders.Count == 1 ? [] : [.. folders.Select((f, index) => RecordClassReport.Of(
            parts.RecordClasses[index], f, parts.Recorders.AsSpan(index * parts.Pipelines.Length, parts.Pipelines.Length)))],
    };

    private static List<MirrorReport> Mirrors(EngineParts parts) =>
    [
        .. parts.Mirrors.All.Select(mirror => new MirrorReport
        {
            Session = mirror.Plan.Session, To = mirror.Plan.To, Mode = mirror.Path.IsKernel ? "kernel" : "user",
            Ledger = mirror.Totals(), Members = [.. Enumerable.Range(0, mirror.Members.Count).Select(i => mirror.Members[i])],
            TargetTxDropped = mirror.TargetTxDropped, Canary = mirror.Canary,
            Past = mirror.Past is { } past ? Past.PastReport.Of(past, mirror.Plan) : null,
        }),
    ];
}
