// The ledger of a finished engine for people: each point and session on a line, and where nothing was lost it says so.
using Tapline.Base;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>Prints <see cref="EngineReport"/>s as text.</summary>
internal static class EngineReportText
{
    public static void Write(AnswerOutput output, EngineReport report)
    {
        var time = TimeSpan.FromSeconds(report.DurationNs / (double)Clock.SecondNs);
        output.Line($"Ran for {Quantity.Duration(time)}.");
        output.Line(
            $"{"arrived",14} {"lost in ring",14} {"captured",14} {"bytes",12} "
            + $"{"analysed",14} {"undecodable",12} {"recorded",14}  point");
        long lost = 0;
        foreach (var point in report.Points)
        {
            var counts = point.Counts;
            lost += point.DroppedRing + counts.DroppedRecorder;
            output.Line($"{Quantity.Count(point.Arrived),14} {Quantity.Count(point.DroppedRing),14} {Quantity.Count(counts.Captured),14} "
                + $"{Quantity.Bytes(counts.CapturedBytes),12} {Quantity.Count(counts.Analysed),14} {Quantity.Count(counts.Undecodable),12} "
                + $"{Quantity.Count(counts.Recorded),14}  {ReadText.Clean(point.Point)}");
        }

        foreach (var mirror in report.Mirrors)
        {
            var row = mirror.Ledger;
            var dropped = MirrorTotals.Dropped(row);
            lost += dropped;
            output.Line($"Mirror {ReadText.Clean(mirror.Session)} to {ReadText.Clean(mirror.To)} ({mirror.Mode} path):"
                + $" offered {Quantity.Count(row.Offered)} = sent {Quantity.Count(row.Sent)}"
                + $" + filtered {Quantity.Count(row.Filtered)} + sampled out {Quantity.Count(row.SampledOut)}"
                + $" + dropped {Quantity.Count(dropped)}"
                + $" (busy {row.DroppedBusy}, too long {row.DroppedTooLong}, target down {row.DroppedTargetDown},"
                + $" error {row.DroppedError}, rate cap {row.DroppedRateCapped}, shed {row.DroppedShed});"
                + $" {Quantity.Count(row.SentWireFrames)} wire frames.");
            if (mirror.Canary is { Sent: > 0 } canary)
            {
                output.Line($"  Canaries: {canary.Delivered} of {canary.Sent} came out"
                    + (canary.Problem is null ? $", the last after {canary.DelayNs / 1e6:0.0} ms." : $"; {canary.Problem}."));
            }

            foreach (var member in mirror.Members)
            {
                output.Line($"  {ReadText.Clean(member.To)} got {Quantity.Count(member.Counts.Sent)},"
                    + $" dropped {Quantity.Count(member.Counts.Dropped)}"
                    + (member.IsUp ? "." : "; it is down."));
            }
        }

        output.Line(lost == 0 ? "Nothing was lost." : $"{Quantity.Count(lost)} frames or copies were lost, as listed.");
    }
}
