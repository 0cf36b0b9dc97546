// What is written into a flow once: when it is born, when a direction first speaks, when a new part begins.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>First values of flows. Pure: structs filled from a frame's facts.</summary>
internal static class FlowBirth
{
    private const byte ByFirstFrame = 2;
    private const byte ByReply = 3;

    /// <summary>Fills a cleared entry whose key is set, from its first frame.</summary>
    public static void Fill(
        ref FlowHot hot, ref FlowCold cold, in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout,
        ReadOnlySpan<byte> frame)
    {
        int direction = prepared.Direction;
        Begin(ref hot, ref cold, meta.TimestampNs);
        cold.Tunnel = layout.Tunnel;
        cold.TunnelDepth = layout.TunnelDepth;
        cold.Vni = layout.Vni;
        var ends = new FrameEnds(layout, frame);
        (cold.Mac0, cold.Mac1) = (ends.SourceMac, ends.DestinationMac);
        (cold.Outer0, cold.Outer1) = (ends.OuterSource, ends.OuterDestination);
        if (direction != 0)
        {
            (cold.Mac0, cold.Mac1) = (cold.Mac1, cold.Mac0);
            (cold.Outer0, cold.Outer1) = (cold.Outer1, cold.Outer0);
        }

        if (hot.Protocol is FlowProtocol.Icmp or FlowProtocol.Icmpv6)
        {
            // Of a reply that was seen first, the query is recorded: it is what the initiator sent.
            var queryType = (ushort)(prepared.Key.Ports >> 24 << 8);
            cold.FirstIcmpType = prepared.IsReply ? queryType : layout.SourcePort;
        }

        if (hot.Protocol == FlowProtocol.Tcp && (layout.Flags & LayoutFlags.HasTransport) != 0
            && TcpSegment.TryRead(meta, layout, frame, out var segment))
        {
            cold.InitiatorBasis = TcpConnection.DecideInitiator(ref hot, direction, segment);
            return;
        }

        var initiator = prepared.IsReply ? 1 - direction : direction;
        cold.InitiatorBasis = prepared.IsReply ? ByReply : ByFirstFrame;
        hot.Flags |= initiator == 1 ? FlowHot.InitiatorIsB : (byte)0;
    }

    /// <summary>Fills a cleared entry whose key is set, for fragments without a first one.</summary>
    public static void FillFromFragments(ref FlowHot hot, ref FlowCold cold, in FragmentEntry entry)
    {
        Begin(ref hot, ref cold, entry.FirstNs);
        cold.Tunnel = (TunnelKind)(entry.Key.Scope >> FlowKey.TunnelShift);
        cold.Vni = entry.Key.Vni;
        cold.InitiatorBasis = ByFirstFrame;
        hot.Flags |= entry.Direction == 1 ? FlowHot.InitiatorIsB : (byte)0;
    }

    /// <summary>Notes what the first frame of a direction tells of its sender.</summary>
    public static void FillDirection(
        ref FlowCold cold, int direction, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        ref var mac = ref direction == 0 ? ref cold.Mac0 : ref cold.Mac1;
        if ((layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + 12 <= frame.Length)
        {
            mac = FlowKeyReader.ReadMac(frame[(layout.LinkOffset + 6)..]);
        }

        (direction == 0 ? ref cold.FirstNs0 : ref cold.FirstNs1) = meta.TimestampNs;
        (direction == 0 ? ref cold.Point0 : ref cold.Point1) = meta.PointId;
        (direction == 0 ? ref cold.Ttl0 : ref cold.Ttl1) = layout.Ttl;
        (direction == 0 ? ref cold.TrafficClass0 : ref cold.TrafficClass1) = layout.TrafficClass;
    }

    /// <summary>As <see cref="FillDirection"/> where only the fragment cache remembers the frames.</summary>
    public static void FillDirectionFromFragments(ref FlowCold cold, int direction, in FragmentEntry entry)
    {
        (direction == 0 ? ref cold.FirstNs0 : ref cold.FirstNs1) = entry.FirstNs;
        (direction == 0 ? ref cold.Point0 : ref cold.Point1) = entry.Point;
        cold.StartNs = Math.Min(cold.StartNs, entry.FirstNs);
    }

    /// <summary>Zeroes what a record counts, keeps what the connection is.</summary>
    public static void BeginPart(ref FlowHot hot, ref FlowCold cold, long nowNs)
    {
        cold.Part = cold.Part == byte.MaxValue ? cold.Part : (byte)(cold.Part + 1);
        cold.StartNs = nowNs;
        hot.StartSeconds = (uint)(nowNs / 1_000_000_000);
        ResetCounts(ref hot.Direction0, ref cold.Health0);
        ResetCounts(ref hot.Direction1, ref cold.Health1);
        hot.TcpFlags0 &= TcpFlag.Fin;
        hot.TcpFlags1 &= TcpFlag.Fin;
        hot.Flags &= unchecked((byte)~FlowHot.HasEvent);
        cold.FirstNs0 = 0;
        cold.FirstNs1 = 0;
        cold.HandshakeRttNs = 0;
        cold.ClientRttNs = 0;
        cold.ServerRttNs = 0;
        cold.RttSumNs = 0;
        cold.RttMinNs = 0;
        cold.RttMaxNs = 0;
        cold.RttSamples = 0;
        cold.IcmpErrors = 0;
    }

    private static void Begin(ref FlowHot hot, ref FlowCold cold, long nowNs)
    {
        const ushort none = 0xffff;
        cold.StartNs = nowNs;
        cold.Point0 = none;
        cold.Point1 = none;
        cold.SynScale0 = TcpConnection.NoSyn;
        cold.SynScale1 = TcpConnection.NoSyn;
        hot.StartSeconds = (uint)(nowNs / 1_000_000_000);
        hot.Direction0.WindowScale = FlowDirection.ScaleUnknown;
        hot.Direction1.WindowScale = FlowDirection.ScaleUnknown;
    }

    private static void ResetCounts(ref FlowDirection direction, ref DirectionHealth health)
    {
        direction.Frames = 0;
        direction.Bytes = 0;
        direction.PayloadBytes = 0;
        direction.Pushes = 0;
        var holes = health.Holes;
        health = default;
        health.Holes = holes;
    }
}
