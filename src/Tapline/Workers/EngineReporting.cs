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
    public static RecorderReport? Recorder(EngineParts parts) => parts.RecordFolder is not { } folder ? null : new RecorderReport
    {
        Folder = folder.Path,
        Recorded = parts.Recorders.Sum(r => r.Recorded),
        Dropped = parts.Recorders.Sum(r => r.Dropped),
        WrittenBytes = parts.Recorders.Sum(r => r.BytesWritten),
        Segments = folder.Segments,
        UsedBytes = folder.UsedBytes,
        BudgetBytes = folder.BudgetBytes,
        Removed = folder.Removed,
        Holds = folder.Holds,
        HeldBytes = folder.HeldBytes,
        Notice = folder.Notice,
        Recovered = folder.Recovered,
        WithoutIndex = parts.Recorders.Sum(r => r.WithoutIndex),
        WithoutSeal = parts.Recorders.Sum(r => r.WithoutSeal),
        IsDirect = parts.Recorders.All(r => r.IsDirect),
        StallReason = parts.Recorders.Select(r => r.StallReason).FirstOrDefault(r => r is not null),
    };

    private static List<MirrorReport> Mirrors(EngineParts parts) =>
    [
        .. parts.Mirrors.All.Select(mirror => new MirrorReport
        {
            Session = mirror.Plan.Session, To = mirror.Plan.To, Mode = mirror.Path.IsKernel ? "kernel" : "user",
            Ledger = mirror.Totals(), Members = [.. Enumerable.Range(0, mirror.Members.Count).Select(i => mirror.Members[i])],
            TargetTxDropped = mirror.TargetTxDropped, Canary = mirror.Canary,
        }),
    ];
}
