// A total order over flow records that depends on nothing but what the frames were.
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>By start, then by everything that tells two flows apart.</summary>
public static class FlowOrder
{
    public static int Compare(in FlowRecord a, in FlowRecord b)
    {
        var order = a.StartNs.CompareTo(b.StartNs);
        order = order != 0 ? order : a.Protocol.CompareTo(b.Protocol);
        order = order != 0 ? order : TalkerTable.Compare(a.InitiatorIp, b.InitiatorIp);
        order = order != 0 ? order : TalkerTable.Compare(a.ResponderIp, b.ResponderIp);
        order = order != 0 ? order : a.InitiatorPort.CompareTo(b.InitiatorPort);
        order = order != 0 ? order : a.ResponderPort.CompareTo(b.ResponderPort);
        order = order != 0 ? order : a.InitiatorMac.CompareTo(b.InitiatorMac);
        order = order != 0 ? order : a.ResponderMac.CompareTo(b.ResponderMac);
        order = order != 0 ? order : Vlans(a).CompareTo(Vlans(b));
        order = order != 0 ? order : a.Tunnel.CompareTo(b.Tunnel);
        order = order != 0 ? order : a.Vni.CompareTo(b.Vni);
        order = order != 0 ? order : TalkerTable.Compare(a.OuterInitiatorIp, b.OuterInitiatorIp);
        order = order != 0 ? order : TalkerTable.Compare(a.OuterResponderIp, b.OuterResponderIp);
        order = order != 0 ? order : a.InitiatorPoint.CompareTo(b.InitiatorPoint);
        order = order != 0 ? order : a.Part.CompareTo(b.Part);
        order = order != 0 ? order : a.EndNs.CompareTo(b.EndNs);
        order = order != 0 ? order : a.Initiator.Bytes.CompareTo(b.Initiator.Bytes);
        return order != 0 ? order : a.Responder.Bytes.CompareTo(b.Responder.Bytes);
    }

    private static ulong Vlans(in FlowRecord record) =>
        ((ulong)record.Vlan0 << 48) | ((ulong)record.Vlan1 << 32) | ((ulong)record.Vlan2 << 16) | record.Vlan3;
}
