// The ledger of a finished engine as one JSON object: totals, points, mirror sessions.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>Writes <see cref="EngineReport"/>s.</summary>
public static class EngineReportJson
{
    public static void Write(Utf8JsonWriter json, EngineReport report)
    {
        json.WriteStartObject();
        json.WriteNumber("seconds", Math.Round(report.DurationNs / (double)Clock.SecondNs, 3));
        var total = default(PointCounts);
        long arrived = 0;
        long dropped = 0;
        foreach (var point in report.Points)
        {
            total.Add(point.Counts);
            arrived += point.Arrived;
            dropped += point.DroppedRing;
        }

        WriteCounts(json, arrived, dropped, total);
        json.WriteStartArray("points");
        foreach (var point in report.Points)
        {
            json.WriteStartObject();
            json.WriteString("point", point.Point);
            WriteCounts(json, point.Arrived, point.DroppedRing, point.Counts);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("mirrors");
        foreach (var mirror in report.Mirrors)
        {
            json.WriteStartObject();
            json.WriteString("session", mirror.Session);
            json.WriteString("to", mirror.To);
            json.WriteString("mode", mirror.Mode);
            MirrorTexts.WriteCounts(json, mirror.Ledger);
            WriteMembers(json, mirror.Members);
            if (mirror.Past is { } past)
            {
                json.WriteStartObject("past");
                past.Write(json);
                json.WriteEndObject();
            }

            if (mirror.Canary is { } canary)
            {
                json.WriteStartObject("canary");
                canary.Write(json);
                json.WriteEndObject();
            }

            if (mirror.TargetTxDropped is { } txDropped)
            {
                json.WriteNumber("target_tx_dropped", txDropped);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("flows_created", report.FlowsCreated);
        json.WriteNumber("flows_evicted", report.FlowsEvicted);
        json.WriteNumber("flow_records_written", report.FlowRecordsWritten);
        json.WriteNumber("flow_records_dropped", report.FlowRecordsDropped);
        json.WriteNumber("allocated_bytes", report.AllocatedBytes);
        if (report.Fault is not null)
        {
            json.WriteString("fault", report.Fault);
        }

        json.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter json, IReadOnlyList<MirrorMember> members)
    {
        if (members.Count == 0)
        {
            return;
        }

        json.WriteStartArray("members");
        foreach (var member in members)
        {
            json.WriteStartObject();
            json.WriteString("to", member.To);
            MirrorMembers.WriteCounts(json, member);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteCounts(Utf8JsonWriter json, long arrived, long dropped, in PointCounts counts)
    {
        json.WriteNumber("arrived", arrived);
        json.WriteNumber("dropped_ring", dropped);
        json.WriteNumber("captured", counts.Captured);
        json.WriteNumber("captured_bytes", counts.CapturedBytes);
        json.WriteNumber("segments", counts.Segments);
        json.WriteNumber("analysed", counts.Analysed);
        json.WriteNumber("undecodable", counts.Undecodable);
        json.WriteNumber("recorded", counts.Recorded);
        json.WriteNumber("dropped_recorder", counts.DroppedRecorder);
        json.WriteNumber("cut_frames", counts.Cut);
    }
}
