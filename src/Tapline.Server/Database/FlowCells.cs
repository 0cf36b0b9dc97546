// One flow record with the names that its batch gives to point ids: what the columns read their cells from. The rules of
// what is left out are those of FlowJsonWriter; a test holds the two together.
using System.Globalization;
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Server.Database;

/// <summary>Reused for all records of one batch. One thread.</summary>
internal sealed class FlowCells(SpoolBatch batch)
{
    private const int VlanIdMask = 0xfff;
    private const ushort NoPoint = 0xffff;

    private readonly Dictionary<ushort, PointInfo> _points = ById(batch.Points);
    private readonly Dictionary<ulong, string> _byMac = batch.Endpoints.Where(e => e.Mac != 0)
        .DistinctBy(e => e.Mac).ToDictionary(e => e.Mac, e => e.Name);

    private readonly Dictionary<IpAddress16, string> _byIp = batch.Endpoints.Where(e => e.Mac == 0 && !e.Ip.IsNone)
        .DistinctBy(e => e.Ip).ToDictionary(e => e.Ip, e => e.Name);

    /// <summary>The record at hand.</summary>
    public FlowRecord Record;

    public string Node => batch.Node;

    public string? TunnelName => Record.Tunnel == TunnelKind.None ? null : FlowJsonText.TunnelName(Record.Tunnel);

    public uint? Vni => Record.Tunnel != TunnelKind.None
        && (Record.Vni != 0 || Record.Tunnel is TunnelKind.Vxlan or TunnelKind.VxlanGpe or TunnelKind.Geneve)
            ? Record.Vni
            : null;

    public string? StateName => Record.State == FlowState.None ? null : FlowJsonText.StateName(Record.State);

    public string? EndReasonName =>
        Record.EndReason == FlowEndReason.None ? null : FlowJsonText.ReasonName(Record.EndReason);

    public string? AppConfidenceName => AppNames.Find(Record.AppId) is null ? null
        : Record.AppConfidence == 2 ? "payload" : "port";

    public bool IsIcmp => Record.Protocol is FlowProtocol.Icmp or FlowProtocol.Icmpv6;

    public bool IsTcp => Record.Protocol == FlowProtocol.Tcp;

    public static string? Address(IpAddress16 address) => address.IsNone ? null : address.ToString();

    public static string? Mac(ulong mac) => mac == 0 ? null : string.Join(
        ':', Enumerable.Range(0, 6).Select(i => ((byte)(mac >> (40 - (8 * i)))).ToString("x2", CultureInfo.InvariantCulture)));

    /// <summary>Who one end is: by the point where it was seen, else by its NIC, else by its address.</summary>
    public string? VmOf(ushort point, ulong mac, IpAddress16 ip) =>
        _points.GetValueOrDefault(point)?.Vm ?? _byMac.GetValueOrDefault(mac) ?? _byIp.GetValueOrDefault(ip);

    /// <summary>The points that saw the flow, the one of the first frame first.</summary>
    public List<string> PointNames()
    {
        var (first, second) = (Record.InitiatorPoint, Record.ResponderPoint);
        if (first == NoPoint || (second != NoPoint && Record.Responder.FirstNs < Record.Initiator.FirstNs))
        {
            (first, second) = (second, first);
        }

        var names = new List<string>(2);
        if (_points.GetValueOrDefault(first)?.Name is { } one)
        {
            names.Add(one);
            if (second != first && _points.GetValueOrDefault(second)?.Name is { } other)
            {
                names.Add(other);
            }
        }

        return names;
    }

    public List<ushort> Vlans()
    {
        ushort[] all = [Record.Vlan0, Record.Vlan1, Record.Vlan2, Record.Vlan3];
        return [.. all.Take(Record.VlanCount).Select(v => (ushort)(v & VlanIdMask))];
    }

    public ushort? Port(ushort port) =>
        FlowProtocol.HasPorts(Record.Protocol) && (Record.InitiatorPort != 0 || Record.ResponderPort != 0) ? port : null;

    /// <summary>A point described twice in one batch (its VM became known): the later description holds.</summary>
    private static Dictionary<ushort, PointInfo> ById(IReadOnlyList<PointInfo> points)
    {
        var byId = new Dictionary<ushort, PointInfo>();
        foreach (var point in points)
        {
            byId[point.Id] = point;
        }

        return byId;
    }
}
