// The ledger's sums (D6): arrived = captured + dropped, and what is still on its way in the ring; captured = analysed +
// undecodable; a mirror's offered = sent + filtered + sampled out + dropped. The page must not say "balanced" when
// a sum does not come out: every difference is named here.
namespace Tapline.Server.Telemetry;

/// <summary>Sums over all points of one reading, in frames.</summary>
internal sealed record LedgerTotals
{
    public long Arrived { get; init; }

    public long DroppedRing { get; init; }

    public long Captured { get; init; }

    public long Analysed { get; init; }

    public long Undecodable { get; init; }

    public long Recorded { get; init; }

    public long DroppedRecorder { get; init; }

    /// <summary>Offered by the kernel and not yet read: they wait in a ring. Never below zero in a sound ledger.</summary>
    public long InRing => Arrived - DroppedRing - Captured;

    /// <summary>Read out and not yet through the analyser.</summary>
    public long InAnalyser => Captured - Analysed - Undecodable;

    /// <summary>True when every frame has a known place: nowhere more came out than went in.</summary>
    public bool IsSound => InRing >= 0 && InAnalyser >= 0;

    /// <summary>True when nothing was wanted and lost.</summary>
    public bool IsLossless => DroppedRing == 0 && DroppedRecorder == 0;

    public static LedgerTotals Of(EngineSnapshot snapshot) => new()
    {
        Arrived = snapshot.Points.Sum(p => p.Arrived),
        DroppedRing = snapshot.Points.Sum(p => p.DroppedRing),
        Captured = snapshot.Points.Sum(p => p.Captured),
        Analysed = snapshot.Points.Sum(p => p.Analysed),
        Undecodable = snapshot.Points.Sum(p => p.Undecodable),
        Recorded = snapshot.Points.Sum(p => p.Recorded),
        DroppedRecorder = snapshot.Points.Sum(p => p.DroppedRecorder),
    };

    public static LedgerTotals Of(EngineSnapshot.Point point) => new()
    {
        Arrived = point.Arrived,
        DroppedRing = point.DroppedRing,
        Captured = point.Captured,
        Analysed = point.Analysed,
        Undecodable = point.Undecodable,
        Recorded = point.Recorded,
        DroppedRecorder = point.DroppedRecorder,
    };

    public static long Dropped(EngineSnapshot.Mirror mirror) => mirror.Dropped.Values.Sum();

    /// <summary>Offered frames whose fate a mirror session has not told yet; 0 when its sum comes out.</summary>
    public static long Unaccounted(EngineSnapshot.Mirror mirror) =>
        mirror.Offered - mirror.Sent - mirror.Filtered - mirror.SampledOut - Dropped(mirror);
}
