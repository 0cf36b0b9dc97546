// The answers of `tapline read` for people: aligned, units written out, the most telling first. File and interface names
// are hostile text and are cleaned of control characters before they reach a terminal.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture.Identity;
using Tapline.Store;
using Tapline.Workers.Offline;

namespace Tapline.Server.Commands;

/// <summary>Prints results as text.</summary>
internal static class ReadText
{
    private const int TalkersShown = 10;
    private const int PointsShown = 12;

    public static void Summary(OfflineResult result, AnswerOutput output)
    {
        var tally = result.Tally;
        output.Line($"{"Frames",-12}{Quantity.Count(tally.Frames)}, {Quantity.Bytes(tally.Bytes)}");
        if (tally.Filtered > 0)
        {
            output.Line($"{"Filtered",-12}{Quantity.Count(tally.Filtered)} frames do not match the filter");
        }

        if (tally.Frames > 0)
        {
            var duration = TimeSpan.FromMicroseconds((tally.LastNs - tally.FirstNs) / 1000.0);
            output.Line($"{"Time",-12}{TimeText.Text(tally.FirstNs)} to {TimeText.Text(tally.LastNs)}, {Quantity.Duration(duration)}");
        }

        output.Line($"{"Flows",-12}{Quantity.Count(result.Flows.Flows)}, of them TCP {Quantity.Count(result.Flows.TcpFlows)} with "
            + $"{Quantity.Count(result.Flows.Retransmissions)} retransmissions");
        if (result.FlowCounters.Evicted > 0)
        {
            output.Line($"{"",-12}{Quantity.Count(result.FlowCounters.Evicted)} were ended early for want of room");
        }

        Points(result, output);
        Table("Protocols", "frames", SummaryCounts.Protocols(tally), tally.Frames, output);
        Table("Tunnels", "frames", SummaryCounts.Tunnels(tally), tally.Frames, output);
        Table("Applications", "flows", SummaryCounts.Apps(result.Flows), result.Flows.Flows, output);
        Talkers(result, output);
        Table("Undecodable", "frames", SummaryCounts.Undecodable(tally), tally.Frames, output);
        var cut = SummaryCounts.CutFrames(result);
        if (cut > 0)
        {
            output.Line();
            output.Line($"{Quantity.Count(cut)} frames were cut by the capture: their headers count, their missing bytes cannot be read.");
        }
    }

    public static void Flows(OfflineResult result, VmInventory vms, AnswerOutput output)
    {
        var names = new FileFlowNames(result.Points, vms, result.Machines);
        output.Line(string.Create(CultureInfo.InvariantCulture,
            $"{"start",-30} {"protocol",-9} {"initiator",-24} {"responder",-24} "
            + $"{"frames",10} {"bytes",12} {"rtt ms",8} {"resent",6} state, application{(names.KnowsMachines ? ", VMs" : "")}"));
        var records = result.Flows.Records!;
        foreach (var index in records.Order())
        {
            output.Line(FlowLine(records[index], names));
        }
    }

    public static void Ledger(OfflineResult result, AnswerOutput output)
    {
        output.Line($"{"second",-20} {"arrived",12} {"captured",12} {"analysed",12} {"undecodable",12} {"cut",10}  point");
        foreach (var (key, counts) in LedgerJson.Rows(result))
        {
            var undecodable = LedgerJson.Undecodable(counts);
            output.Line(string.Create(CultureInfo.InvariantCulture,
                $"{TimeText.Text(key.SecondNs)[..19],-20} {counts.Captured,12} {counts.Captured,12} {counts.Captured - undecodable,12} "
                + $"{undecodable,12} {counts.Cut,10}  {Clean(result.Points[key.Point].Name)}"));
        }
    }

    /// <summary>Text without control characters, so that a name cannot drive the terminal.</summary>
    internal static string Clean(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : text;

    private static string FlowLine(in FlowRecord record, FileFlowNames names)
    {
        var initiator = names.VmName(record.InitiatorPoint, record.InitiatorMac, record.InitiatorIp);
        var responder = names.VmName(record.ResponderPoint, record.ResponderMac, record.ResponderIp);
        var vms = initiator is null && responder is null ? "" : $" [{Clean(initiator ?? "?")} > {Clean(responder ?? "?")}]";
        var rtt = record.HandshakeRttNs > 0
            ? (record.HandshakeRttNs / 1e6).ToString("0.###", CultureInfo.InvariantCulture)
            : "-";
        var resent = record.Initiator.Retransmissions + record.Responder.Retransmissions;
        var state = record.State == FlowState.None ? "" : FlowJsonText.StateName(record.State);
        return string.Create(CultureInfo.InvariantCulture,
            $"{TimeText.Text(record.StartNs),-30} {FlowProtocol.Name(record.Protocol),-9} "
            + $"{Side(record, record.InitiatorIp, record.InitiatorPort, record.InitiatorMac),-24} "
            + $"{Side(record, record.ResponderIp, record.ResponderPort, record.ResponderMac),-24} "
            + $"{record.Initiator.Frames + record.Responder.Frames,10} {record.Initiator.Bytes + record.Responder.Bytes,12} "
            + $"{rtt,8} {resent,6} {state} {AppNames.Find(record.AppId)}{vms}").TrimEnd();
    }

    private static string Side(in FlowRecord record, IpAddress16 ip, ushort port, ulong mac)
    {
        if (ip.IsNone)
        {
            return mac.ToString("x12", CultureInfo.InvariantCulture);
        }

        if (!FlowProtocol.HasPorts(record.Protocol))
        {
            return ip.ToString();
        }

        return ip.IsIpv4
            ? string.Create(CultureInfo.InvariantCulture, $"{ip}:{port}")
            : string.Create(CultureInfo.InvariantCulture, $"[{ip}]:{port}");
    }

    private static void Points(OfflineResult result, AnswerOutput output)
    {
        output.Line();
        output.Line("Points");
        foreach (var point in result.Points.Take(PointsShown))
        {
            var counts = result.Tally.Counts.ReadPoint(point.PointId);
            output.Line($"  {Quantity.Count(counts.Captured),14} frames  {Quantity.Bytes(counts.CapturedBytes),10}  {Clean(point.Name)}");
        }

        if (result.Points.Count > PointsShown)
        {
            output.Line($"  and {Quantity.Count(result.Points.Count - PointsShown)} more");
        }
    }

    private static void Table(string title, string unit, IReadOnlyList<(string Name, long Count)> rows, long total, AnswerOutput output)
    {
        if (rows.Count == 0)
        {
            return;
        }

        output.Line();
        output.Line(title);
        foreach (var (name, count) in rows)
        {
            var share = total == 0 ? 0 : 100.0 * count / total;
            output.Line(string.Create(CultureInfo.InvariantCulture, $"  {Quantity.Count(count),14} {unit}  {share,5:0.0} %  {name}"));
        }
    }

    private static void Talkers(OfflineResult result, AnswerOutput output)
    {
        var top = result.Flows.Talkers.Top(TalkersShown);
        if (top.Count == 0)
        {
            return;
        }

        output.Line();
        output.Line($"Busiest addresses of {Quantity.Count(result.Flows.Talkers.Count)}");
        foreach (var talker in top)
        {
            output.Line($"  {Quantity.Bytes(talker.SentBytes),10} sent  {Quantity.Bytes(talker.ReceivedBytes),10} received  "
                + $"{Quantity.Count(talker.Flows),9} flows  {talker.Address}");
        }
    }
}
