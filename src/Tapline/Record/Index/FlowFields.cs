// Between a flow's record and its columns: each field under the number of its column. Addresses and MAC addresses stand in
// the record as they are, in the columns as places in sorted lists: whoever calls translates. Pure; no allocation.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Reads and writes fields of records by column.</summary>
internal static class FlowFields
{
    private const int VlanBits = 12;
    private const int VlanMask = 0xfff;

    /// <summary>The value of a column that is a plain field; 0 for all others.</summary>
    public static long Get(in FlowRecord record, IndexColumn column)
    {
        switch (column)
        {
            case IndexColumn.FlowId: return (long)record.FlowId;
            case IndexColumn.Vlans: return Vlans(record);
            case IndexColumn.Part: return record.Part;
            case IndexColumn.StartNs: return record.StartNs;
            case IndexColumn.EndNs: return record.EndNs;
            case IndexColumn.Protocol: return record.Protocol;
            case IndexColumn.State: return (long)record.State;
            case IndexColumn.EndReason: return (long)record.EndReason;
            case IndexColumn.InitiatorPoint: return record.InitiatorPoint;
            case IndexColumn.ResponderPoint: return record.ResponderPoint;
            case IndexColumn.InitiatorPort: return record.InitiatorPort;
            case IndexColumn.ResponderPort: return record.ResponderPort;
            case IndexColumn.Vni: return record.Vni;
            case IndexColumn.Tunnel: return (long)record.Tunnel;
            case IndexColumn.TunnelDepth: return record.TunnelDepth;
            case IndexColumn.ServerRttNs: return record.ServerRttNs;
            case IndexColumn.ClientRttNs: return record.ClientRttNs;
            case IndexColumn.HandshakeRttNs: return record.HandshakeRttNs;
            case IndexColumn.RttSamples: return record.RttSamples;
            case IndexColumn.RttMinNs: return record.RttMinNs;
            case IndexColumn.RttMaxNs: return record.RttMaxNs;
            case IndexColumn.RttSumNs: return record.RttSumNs;
            case IndexColumn.AppId: return record.AppId;
            case IndexColumn.AppConfidence: return record.AppConfidence;
            case IndexColumn.InitiatorBasis: return record.InitiatorBasis;
            case IndexColumn.IcmpErrors: return record.IcmpErrors;
            default:
                return column >= IndexColumn.ResponderFrames
                    ? Get(record.Responder, column - IndexColumn.ResponderFrames + IndexColumn.InitiatorFrames)
                    : Get(record.Initiator, column);
        }
    }

    /// <summary>Sets the field of a column; all that are no plain field are left alone.</summary>
    public static void Set(ref FlowRecord record, IndexColumn column, long value)
    {
        switch (column)
        {
            case IndexColumn.FlowId: record.FlowId = (ulong)value; break;
            case IndexColumn.Vlans: SetVlans(ref record, value); break;
            case IndexColumn.Part: record.Part = (byte)value; break;
            case IndexColumn.StartNs: record.StartNs = value; break;
            case IndexColumn.EndNs: record.EndNs = value; break;
            case IndexColumn.Protocol: record.Protocol = (ushort)value; break;
            case IndexColumn.State: record.State = (FlowState)value; break;
            case IndexColumn.EndReason: record.EndReason = (FlowEndReason)value; break;
            case IndexColumn.InitiatorPoint: record.InitiatorPoint = (ushort)value; break;
            case IndexColumn.ResponderPoint: record.ResponderPoint = (ushort)value; break;
            case IndexColumn.InitiatorPort: record.InitiatorPort = (ushort)value; break;
            case IndexColumn.ResponderPort: record.ResponderPort = (ushort)value; break;
            case IndexColumn.Vni: record.Vni = (uint)value; break;
            case IndexColumn.Tunnel: record.Tunnel = (TunnelKind)value; break;
            case IndexColumn.TunnelDepth: record.TunnelDepth = (byte)value; break;
            case IndexColumn.ServerRttNs: record.ServerRttNs = value; break;
            case IndexColumn.ClientRttNs: record.ClientRttNs = value; break;
            case IndexColumn.HandshakeRttNs: record.HandshakeRttNs = value; break;
            case IndexColumn.RttSamples: record.RttSamples = (uint)value; break;
            case IndexColumn.RttMinNs: record.RttMinNs = value; break;
            case IndexColumn.RttMaxNs: record.RttMaxNs = value; break;
            case IndexColumn.RttSumNs: record.RttSumNs = value; break;
            case IndexColumn.AppId: record.AppId = (ushort)value; break;
            case IndexColumn.AppConfidence: record.AppConfidence = (byte)value; break;
            case IndexColumn.InitiatorBasis: record.InitiatorBasis = (byte)value; break;
            case IndexColumn.IcmpErrors: record.IcmpErrors = (uint)value; break;
            default:
                if (column >= IndexColumn.ResponderFrames)
                {
                    Set(ref record.Responder, column - IndexColumn.ResponderFrames + IndexColumn.InitiatorFrames, value);
                }
                else
                {
                    Set(ref record.Initiator, column, value);
                }

                break;
        }
    }

    private static long Get(in DirectionCounts counts, IndexColumn column) => column switch
    {
        IndexColumn.InitiatorFrames => counts.Frames,
        IndexColumn.InitiatorSegments => counts.Segments,
        IndexColumn.InitiatorBytes => counts.Bytes,
        IndexColumn.InitiatorPayloadBytes => counts.PayloadBytes,
        IndexColumn.InitiatorFirstNs => counts.FirstNs,
        IndexColumn.InitiatorLastNs => counts.LastNs,
        IndexColumn.InitiatorRetransmissions => counts.Retransmissions,
        IndexColumn.InitiatorFastRetransmissions => counts.FastRetransmissions,
        IndexColumn.InitiatorSpuriousRetransmissions => counts.SpuriousRetransmissions,
        IndexColumn.InitiatorOutOfOrder => counts.OutOfOrder,
        IndexColumn.InitiatorDuplicateAcks => counts.DuplicateAcks,
        IndexColumn.InitiatorZeroWindows => counts.ZeroWindows,
        IndexColumn.InitiatorZeroWindowProbes => counts.ZeroWindowProbes,
        IndexColumn.InitiatorWindowFulls => counts.WindowFulls,
        IndexColumn.InitiatorLostSegments => counts.LostSegments,
        IndexColumn.InitiatorKeepAlives => counts.KeepAlives,
        IndexColumn.InitiatorResets => counts.Resets,
        IndexColumn.InitiatorSyns => counts.Syns,
        IndexColumn.InitiatorFins => counts.Fins,
        IndexColumn.InitiatorPushes => counts.Pushes,
        IndexColumn.InitiatorTcpFlagsSeen => counts.TcpFlagsSeen,
        IndexColumn.InitiatorTtl => counts.Ttl,
        IndexColumn.InitiatorTrafficClass => counts.TrafficClass,
        IndexColumn.InitiatorWindowScale => counts.WindowScale,
        IndexColumn.InitiatorMaximumSegmentSize => counts.MaximumSegmentSize,
        IndexColumn.InitiatorCutFrames => counts.CutFrames,
        IndexColumn.InitiatorResentSegments => counts.ResentSegments,
        IndexColumn.InitiatorUnseenAcks => counts.UnseenAcks,
        IndexColumn.InitiatorWindowUpdates => counts.WindowUpdates,
        _ => 0,
    };

    private static void Set(ref DirectionCounts counts, IndexColumn column, long value)
    {
        switch (column)
        {
            case IndexColumn.InitiatorFrames: counts.Frames = value; break;
            case IndexColumn.InitiatorSegments: counts.Segments = value; break;
            case IndexColumn.InitiatorBytes: counts.Bytes = value; break;
            case IndexColumn.InitiatorPayloadBytes: counts.PayloadBytes = value; break;
            case IndexColumn.InitiatorFirstNs: counts.FirstNs = value; break;
            case IndexColumn.InitiatorLastNs: counts.LastNs = value; break;
            case IndexColumn.InitiatorRetransmissions: counts.Retransmissions = (uint)value; break;
            case IndexColumn.InitiatorFastRetransmissions: counts.FastRetransmissions = (uint)value; break;
            case IndexColumn.InitiatorSpuriousRetransmissions: counts.SpuriousRetransmissions = (uint)value; break;
            case IndexColumn.InitiatorOutOfOrder: counts.OutOfOrder = (uint)value; break;
            case IndexColumn.InitiatorDuplicateAcks: counts.DuplicateAcks = (uint)value; break;
            case IndexColumn.InitiatorZeroWindows: counts.ZeroWindows = (uint)value; break;
            case IndexColumn.InitiatorZeroWindowProbes: counts.ZeroWindowProbes = (uint)value; break;
            case IndexColumn.InitiatorWindowFulls: counts.WindowFulls = (uint)value; break;
            case IndexColumn.InitiatorLostSegments: counts.LostSegments = (uint)value; break;
            case IndexColumn.InitiatorKeepAlives: counts.KeepAlives = (uint)value; break;
            case IndexColumn.InitiatorResets: counts.Resets = (uint)value; break;
            case IndexColumn.InitiatorSyns: counts.Syns = (uint)value; break;
            case IndexColumn.InitiatorFins: counts.Fins = (uint)value; break;
            case IndexColumn.InitiatorPushes: counts.Pushes = (uint)value; break;
            case IndexColumn.InitiatorTcpFlagsSeen: counts.TcpFlagsSeen = (byte)value; break;
            case IndexColumn.InitiatorTtl: counts.Ttl = (byte)value; break;
            case IndexColumn.InitiatorTrafficClass: counts.TrafficClass = (byte)value; break;
            case IndexColumn.InitiatorWindowScale: counts.WindowScale = (byte)value; break;
            case IndexColumn.InitiatorMaximumSegmentSize: counts.MaximumSegmentSize = (ushort)value; break;
            case IndexColumn.InitiatorCutFrames: counts.CutFrames = (uint)value; break;
            case IndexColumn.InitiatorResentSegments: counts.ResentSegments = (uint)value; break;
            case IndexColumn.InitiatorUnseenAcks: counts.UnseenAcks = (uint)value; break;
            case IndexColumn.InitiatorWindowUpdates: counts.WindowUpdates = (uint)value; break;
            default: break;
        }
    }

    private static long Vlans(in FlowRecord record) => (long)(record.Vlan0 & VlanMask)
        | ((long)(record.Vlan1 & VlanMask) << VlanBits)
        | ((long)(record.Vlan2 & VlanMask) << (2 * VlanBits))
        | ((long)(record.Vlan3 & VlanMask) << (3 * VlanBits));

    private static void SetVlans(ref FlowRecord record, long value)
    {
        record.Vlan0 = (ushort)(value & VlanMask);
        record.Vlan1 = (ushort)((value >> VlanBits) & VlanMask);
        record.Vlan2 = (ushort)((value >> (2 * VlanBits)) & VlanMask);
        record.Vlan3 = (ushort)((value >> (3 * VlanBits)) & VlanMask);
        record.VlanCount = (byte)((record.Vlan0 != 0 ? 1 : 0) + (record.Vlan1 != 0 ? 1 : 0)
            + (record.Vlan2 != 0 ? 1 : 0) + (record.Vlan3 != 0 ? 1 : 0));
    }
}
