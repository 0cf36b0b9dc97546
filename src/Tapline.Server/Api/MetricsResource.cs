// /metrics in Prometheus' text format, version 0.0.4: the main counters of engine and console. Names follow its
// conventions (base units, `_total`); label values are escaped, because VMs and interfaces are named by their owners.
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tapline.Server.Ingest;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Api;

/// <summary>Writes the exposition by hand: a few families, no library.</summary>
internal static class MetricsResource
{
    public static IResult Get(LiveFeed feed, SpoolIngestor ingestor) =>
        Results.Text(Write(feed.State, ingestor.State), "text/plain; version=0.0.4", Encoding.UTF8);

    internal static string Write(LiveState live, IngestState ingest)
    {
        var text = new StringBuilder(8192);
        Family(text, "tapline_engine_up", "gauge", "1 while the engine answers.", [("", live.IsLive ? 1 : 0)]);
        if (live.IsLive)
        {
            WritePoints(text, live.Snapshot!.Points);
            WriteMirrors(text, live.Snapshot.Mirrors);
            WriteFlows(text, live.Snapshot);
        }

        Family(text, "tapline_ingest_batches_total", "counter", "Spool batches by what became of them.",
        [
            ("{result=\"ingested\"}", ingest.BatchesIngested), ("{result=\"repeated\"}", ingest.BatchesRepeated),
            ("{result=\"bad\"}", ingest.BatchesBad),
        ]);
        Family(text, "tapline_ingest_batches_waiting", "gauge", "Batches in the spool.", [("", ingest.BatchesWaiting)]);
        Family(text, "tapline_ingest_flows_total", "counter", "Flows put into the store.", [("", ingest.FlowsIngested)]);
        if (ingest.LagNs is { } lag)
        {
            Family(text, "tapline_ingest_lag_seconds", "gauge", "Age of the newest record when it was stored.",
                [("", lag / 1e9)]);
        }

        return text.ToString();
    }

    private static void WritePoints(StringBuilder text, IReadOnlyList<EngineSnapshot.Point> points)
    {
        Points("arrived", "Frames that the kernel offered.", p => p.Arrived);
        Points("dropped_ring", "Frames lost in the ring.", p => p.DroppedRing);
        Points("captured", "Frames read out of the ring.", p => p.Captured);
        Points("analysed", "Frames that the analyser took.", p => p.Analysed);
        Points("undecodable", "Frames that could not be decoded.", p => p.Undecodable);
        Points("recorded", "Frames that the recorder took.", p => p.Recorded);
        Points("dropped_recorder", "Frames that the recorder lost.", p => p.DroppedRecorder);
        Family(text, "tapline_point_captured_bytes_total", "counter", "Original bytes of captured frames.",
            points.Select(p => (Labels(p), (double)p.CapturedBytes)));

        void Points(string name, string help, Func<EngineSnapshot.Point, long> value) => Family(
            text, $"tapline_point_{name}_frames_total", "counter", help, points.Select(p => (Labels(p), (double)value(p))));
    }

    private static void WriteMirrors(StringBuilder text, IReadOnlyList<EngineSnapshot.Mirror> mirrors)
    {
        Mirrors("offered", "Frames offered to the session.", m => m.Offered);
        Mirrors("sent", "Frames sent.", m => m.Sent);
        Mirrors("filtered", "Frames that the filter left out.", m => m.Filtered);
        Mirrors("sampled_out", "Frames that sampling left out.", m => m.SampledOut);
        Family(text, "tapline_mirror_dropped_frames_total", "counter", "Frames wanted and lost, by reason.",
            mirrors.SelectMany(m => m.Dropped.Select(d => (
                $"{{session=\"{Escape(m.Session)}\",to=\"{Escape(m.To)}\",reason=\"{Escape(d.Key)}\"}}", (double)d.Value))));

        var proved = mirrors.Where(m => m.Canary is { State: not "off" }).ToList();
        Canaries("tapline_mirror_canary_up", "gauge", "1 = the last canary came out at the target.", c => c.State == "ok" ? 1 : 0);
        Canaries("tapline_mirror_canaries_sent_total", "counter", "Canaries that entered by a point.", c => c.Sent);
        Canaries("tapline_mirror_canaries_delivered_total", "counter", "Canaries that came out.", c => c.Delivered);
        Canaries("tapline_mirror_canary_delay_seconds", "gauge", "From entry to coming out, of the last one.", c => c.DelayNs / 1e9);

        void Canaries(string name, string type, string help, Func<EngineSnapshot.Canary, double> value) => Family(
            text, name, type, help,
            proved.Select(m => ($"{{session=\"{Escape(m.Session)}\",to=\"{Escape(m.To)}\"}}", value(m.Canary!))));

        void Mirrors(string name, string help, Func<EngineSnapshot.Mirror, long> value) => Family(
            text, $"tapline_mirror_{name}_frames_total", "counter", help,
            mirrors.Select(m => ($"{{session=\"{Escape(m.Session)}\",to=\"{Escape(m.To)}\"}}", (double)value(m))));
    }

    private static void WriteFlows(StringBuilder text, EngineSnapshot engine)
    {
        Family(text, "tapline_flows_active", "gauge", "Flows in the table.", [("", engine.Flows.Active)]);
        Family(text, "tapline_flows_created_total", "counter", "Flows begun.", [("", engine.Flows.Created)]);
        Family(text, "tapline_flows_evicted_total", "counter", "Flows ended early for room.", [("", engine.Flows.Evicted)]);
        Family(text, "tapline_flow_records_total", "counter", "Finished flow records.",
            [("{result=\"written\"}", engine.Flows.RecordsWritten), ("{result=\"dropped\"}", engine.Flows.RecordsDropped)]);
        Family(text, "tapline_decode_verdicts_total", "counter", "Frames by decode verdict.",
            engine.Verdicts.Select(v => ($"{{verdict=\"{Escape(v.Key)}\"}}", (double)v.Value)));
        Family(text, "tapline_engine_allocated_bytes", "gauge", "Managed bytes since the steady state.",
            [("", engine.AllocatedBytes)]);
    }

    private static void Family(
        StringBuilder text, string name, string type, string help, IEnumerable<(string Labels, double Value)> samples)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        foreach (var (labels, value) in samples)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value:R}\n");
        }
    }

    private static string Labels(EngineSnapshot.Point p) =>
        $"{{id=\"{p.Id}\",point=\"{Escape(p.Name)}\",kind=\"{Escape(p.Kind)}\",vm=\"{Escape(p.Vm ?? "")}\"}}";

    /// <summary>Backslash, quote and line feed, as the format demands.</summary>
    private static string Escape(string value) =>
        value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
}
