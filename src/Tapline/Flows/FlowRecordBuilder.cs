// A flow's two halves become the record that leaves the house: endpoint A and B become initiator and responder.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Builds <see cref="FlowRecord"/>s. Pure, no allocation.</summary>
internal static class FlowRecordBuilder
{
    /// <summary>The record of the flow as it stands.</summary>
    public static void Build(in FlowHot hot, in FlowCold cold, FlowEndReason reason, out FlowRecord record)
    {
        var isSwapped = hot.Has(FlowHot.InitiatorIsB);
        record = default;
        record.FlowId = cold.FlowId;
        record.StartNs = cold.StartNs;
        record.EndNs = Math.Max(cold.StartNs, hot.LastNs);
        record.Protocol = hot.Protocol;
        record.State = hot.State;
        record.EndReason = ReasonOf(hot.State, reason);
        FillEndpoints(hot, cold, isSwapped, ref record);
        FillScope(hot, cold, isSwapped, ref record);
        record.Part = cold.Part;
        record.InitiatorBasis = cold.InitiatorBasis;
        record.HandshakeRttNs = cold.HandshakeRttNs;
        record.ClientRttNs = cold.ClientRttNs;
        record.ServerRttNs = cold.ServerRttNs;
        record.RttSumNs = cold.RttSumNs;
        record.RttMinNs = cold.RttMinNs;
        record.RttMaxNs = cold.RttMaxNs;
        record.RttSamples = cold.RttSamples;
        record.IcmpErrors = cold.IcmpErrors;
        record.AppId = AppPorts.Find(record.Protocol, record.ResponderPort, record.InitiatorPort);
        record.AppConfidence = record.AppId == 0 ? (byte)0 : (byte)1;
        ref var first = ref record.Initiator;
        ref var second = ref record.Responder;
        if (isSwapped)
        {
            first = ref record.Responder;
            second = ref record.Initiator;
        }

        FillCounts(hot.Direction0, cold.Health0, ref first);
        first.FirstNs = cold.FirstNs0;
        first.TcpFlagsSeen = hot.TcpFlags0;
        first.Ttl = cold.Ttl0;
        first.TrafficClass = cold.TrafficClass0;
        first.WindowScale = ScaleOf(cold.SynScale0);
        first.MaximumSegmentSize = cold.MaximumSegmentSize0;
        FillCounts(hot.Direction1, cold.Health1, ref second);
        second.FirstNs = cold.FirstNs1;
        second.TcpFlagsSeen = hot.TcpFlags1;
        second.Ttl = cold.Ttl1;
        second.TrafficClass = cold.TrafficClass1;
        second.WindowScale = ScaleOf(cold.SynScale1);
        second.MaximumSegmentSize = cold.MaximumSegmentSize1;
    }

    /// <summary>A connection that closed ended by that, whatever made us write the record now.</summary>
    public static FlowEndReason ReasonOf(FlowState state, FlowEndReason reason) => state switch
    {
        FlowState.Closed when reason != FlowEndReason.Active => FlowEndReason.Fin,
        FlowState.Refused or FlowState.ResetByInitiator or FlowState.ResetByResponder
            when reason != FlowEndReason.Active => FlowEndReason.Rst,
        _ => reason,
    };

    private static void FillEndpoints(in FlowHot hot, in FlowCold cold, bool isSwapped, ref FlowRecord record)
    {
        var portA = (ushort)(hot.Ports >> 16);
        var portB = (ushort)hot.Ports;
        var isIp = hot.Protocol <= byte.MaxValue || hot.AHigh != 0 || (hot.ALow >> 32) == 0xffff;
        var a = isIp ? new IpAddress16(hot.AHigh, hot.ALow) : default;
        var b = isIp ? new IpAddress16(hot.BHigh, hot.BLow) : default;
        if (hot.Protocol is FlowProtocol.Icmp or FlowProtocol.Icmpv6)
        {
            // Type and code, and identifier, belong to the flow, not to a side.
            (record.InitiatorPort, record.ResponderPort) = (cold.FirstIcmpType, portB);
        }
        else
        {
            var isPorted = hot.Protocol <= byte.MaxValue && isSwapped;
            (record.InitiatorPort, record.ResponderPort) = isPorted ? (portB, portA) : (portA, portB);
        }

        (record.InitiatorIp, record.ResponderIp) = isSwapped ? (b, a) : (a, b);
        (record.InitiatorMac, record.ResponderMac) = isSwapped ? (cold.Mac1, cold.Mac0) : (cold.Mac0, cold.Mac1);
        (record.InitiatorPoint, record.ResponderPoint) =
            isSwapped ? (cold.Point1, cold.Point0) : (cold.Point0, cold.Point1);
        (record.OuterInitiatorIp, record.OuterResponderIp) =
            isSwapped ? (cold.Outer1, cold.Outer0) : (cold.Outer0, cold.Outer1);
    }

    private static void FillScope(in FlowHot hot, in FlowCold cold, bool isSwapped, ref FlowRecord record)
    {
        var vlans = (isSwapped ? hot.Scope1 : hot.Scope0) & FlowKey.VlanMask;
        record.Vlan0 = (ushort)(vlans & 0xfff);
        record.Vlan1 = (ushort)((vlans >> 12) & 0xfff);
        record.Vlan2 = (ushort)((vlans >> 24) & 0xfff);
        record.Vlan3 = (ushort)((vlans >> 36) & 0xfff);
        record.VlanCount = (byte)((record.Vlan0 != 0 ? 1 : 0) + (record.Vlan1 != 0 ? 1 : 0)
            + (record.Vlan2 != 0 ? 1 : 0) + (record.Vlan3 != 0 ? 1 : 0));
        record.Tunnel = cold.Tunnel;
        record.TunnelDepth = cold.TunnelDepth;
        record.Vni = cold.Vni;
    }

    private static void FillCounts(in FlowDirection direction, in DirectionHealth health, ref DirectionCounts counts)
    {
        counts.Frames = direction.Frames;
        counts.Segments = direction.Frames + health.ExtraSegments;
        counts.Bytes = direction.Bytes;
        counts.PayloadBytes = direction.PayloadBytes;
        counts.LastNs = direction.Frames == 0 ? 0 : direction.LastNs;
        counts.Retransmissions = health.Retransmissions;
        counts.FastRetransmissions = health.FastRetransmissions;
        counts.SpuriousRetransmissions = health.SpuriousRetransmissions;
        counts.OutOfOrder = health.OutOfOrder;
        counts.DuplicateAcks = health.DuplicateAcks;
        counts.ZeroWindows = health.ZeroWindows;
        counts.ZeroWindowProbes = health.ZeroWindowProbes;
        counts.WindowFulls = health.WindowFulls;
        counts.LostSegments = health.LostSegments;
        counts.KeepAlives = health.KeepAlives;
        counts.Resets = health.Resets;
        counts.Syns = health.Syns;
        counts.Fins = health.Fins;
        counts.Pushes = direction.Pushes;
        counts.CutFrames = health.CutFrames;
        counts.ResentSegments = health.ResentSegments;
        counts.UnseenAcks = health.UnseenAcks;
        counts.WindowUpdates = health.WindowUpdates;
    }

    private static byte ScaleOf(byte synScale) => synScale switch
    {
        TcpConnection.NoSyn => 0xff,
        TcpConnection.SynWithoutScale => 0,
        _ => synScale,
    };
}
