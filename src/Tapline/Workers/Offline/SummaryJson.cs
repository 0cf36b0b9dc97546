// `tapline read --what summary --json`: one object with the words of the data contract.
using System.Text.Json;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Writes a result's summary.</summary>
public static class SummaryJson
{
    private const int TalkersShown = 10;

    /// <summary>Writes one JSON object; fields of which nothing is known are left out.</summary>
    public static void Write(Utf8JsonWriter json, OfflineResult result)
    {
        var tally = result.Tally;
        json.WriteStartObject();
        json.WriteNumber("files", result.Files);
        json.WriteNumber("frames", tally.Frames);
        json.WriteNumber("bytes", tally.Bytes);
        if (tally.Frames > 0)
        {
            json.WriteString("first", TimeText.Text(tally.FirstNs));
            json.WriteString("last", TimeText.Text(tally.LastNs));
            json.WriteNumber("duration_ns", tally.LastNs - tally.FirstNs);
        }

        WritePoints(json, result);
        WriteNumbers(json, "protocols", SummaryCounts.Protocols(tally));
        WriteNumbers(json, "tunnels", SummaryCounts.Tunnels(tally));
        WriteNumbers(json, "apps", SummaryCounts.Apps(result.Flows));
        json.WriteNumber("flows", result.Flows.Flows);
        WriteTcp(json, result);
        WriteTalkers(json, result.Flows.Talkers);
        WriteNumbers(json, "undecodable", SummaryCounts.Undecodable(tally));
        json.WriteNumber("cut_frames", SummaryCounts.CutFrames(result));
        WriteLedger(json, result);
        json.WriteEndObject();
    }

    private static void WritePoints(Utf8JsonWriter json, OfflineResult result)
    {
        json.WriteStartArray("points");
        foreach (var point in result.Points)
        {
            var counts = result.Tally.Counts.ReadPoint(point.PointId);
            json.WriteStartObject();
            json.WriteString("point", point.Name);
            json.WriteNumber("link_type", (int)point.LinkType);
            json.WriteNumber("frames", counts.Captured);
            json.WriteNumber("bytes", counts.CapturedBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<(string Name, long Count)> numbers)
    {
        json.WriteStartObject(name);
        foreach (var (key, count) in numbers)
        {
            json.WriteNumber(key, count);
        }

        json.WriteEndObject();
    }

    private static void WriteTcp(Utf8JsonWriter json, OfflineResult result)
    {
        json.WriteNumber("tcp_flows", result.Flows.TcpFlows);
        json.WriteNumber("tcp_retransmissions", result.Flows.Retransmissions);
        json.WriteNumber("flows_evicted", result.FlowCounters.Evicted);
        json.WriteNumber("fragments", result.FlowCounters.Fragments);
    }

    private static void WriteTalkers(Utf8JsonWriter json, TalkerTable talkers)
    {
        json.WriteNumber("addresses", talkers.Count);
        json.WriteStartArray("top_talkers");
        foreach (var talker in talkers.Top(TalkersShown))
        {
            json.WriteStartObject();
            json.WriteString("ip", talker.Address.ToString());
            json.WriteNumber("bytes", talker.Bytes);
            json.WriteNumber("sent_bytes", talker.SentBytes);
            json.WriteNumber("received_bytes", talker.ReceivedBytes);
            json.WriteNumber("frames", talker.Frames);
            json.WriteNumber("flows", talker.Flows);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLedger(Utf8JsonWriter json, OfflineResult result)
    {
        var tally = result.Tally;
        long undecodable = 0;
        for (var v = (int)DecodeVerdict.UndecodableLink; v < VerdictNames.Count; v++)
        {
            undecodable += tally.Counts.ReadVerdict(v);
        }

        json.WriteStartObject("ledger");
        json.WriteNumber("arrived", tally.Frames + tally.Filtered);
        json.WriteNumber("captured", tally.Frames + tally.Filtered);
        json.WriteNumber("dropped_ring", 0);
        json.WriteNumber("filtered", tally.Filtered);
        json.WriteNumber("analysed", tally.Frames - undecodable);
        json.WriteNumber("undecodable", undecodable);
        json.WriteNumber("files_cut_or_corrupt", result.Faults.Count);
        json.WriteEndObject();
    }
}
