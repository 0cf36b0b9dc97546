// The account of a replay as one JSON object, with the ledger's words of a mirror session.
using System.Text.Json;

namespace Tapline.Workers.Past;

/// <summary>Writes <see cref="ReplayReport"/>s.</summary>
public static class ReplayReportJson
{
    /// <summary>One object; speed 0 = without a pace.</summary>
    public static void Write(Utf8JsonWriter json, ReplayReport report, double speed)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(report);
        json.WriteStartObject();
        json.WriteNumber("read", report.Read);
        json.WriteNumber("examined", report.Examined);
        json.WriteNumber("read_bytes", report.ReadBytes);
        json.WriteNumber("other_points", report.OtherPoints);
        json.WriteNumber("unplayed", report.Unplayed);
        MirrorTexts.WriteCounts(json, report.Ledger);
        json.WriteNumber("loops", report.Passes);
        if (speed > 0)
        {
            json.WriteNumber("speed", speed);
            json.WriteNumber("late_mean_ns", report.LateMeanNs);
            json.WriteNumber("late_max_ns", report.LateMaxNs);
        }

        json.WriteNumber("duration_ns", report.DurationNs);
        json.WriteNumber("out_of_order", report.OutOfOrder);
        json.WriteNumber("sender_allocated_bytes", report.SenderAllocatedBytes);
        json.WriteBoolean("complete", !report.IsStopped && !report.IsLimited && report.Unplayed == 0
            && MirrorTotals.Dropped(report.Ledger) == 0 && report.Holes.Count + report.Faults.Count == 0);
        json.WriteStartArray("holes");
        foreach (var sentence in report.Holes.Concat(report.Faults))
        {
            json.WriteStringValue(sentence);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
