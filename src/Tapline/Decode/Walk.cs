// The state of one frame's walk from header to header: the captured bytes, where the packet under way ends, and the
// layout being filled. Lives on the stack of one Decode call; borrows the frame's span and never outlives it.
//
// Two ends matter. `End` is as far as headers may lie: the original frame's end, cut down by every length field met.
// `PacketEnd` is where the current packet ends, for payload counts. The two differ in one case: inside a carrier that
// was fragmented, the packet goes on in the next fragment and its own length is believed. Everywhere else a packet
// that claims more than its frame had is a false claim, and counts what the frame had.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>One frame's decoding in progress.</summary>
internal ref struct Walk
{
    public readonly ReadOnlySpan<byte> Frame;
    public int End;
    public int PacketEnd;
    public FrameLayout Layout;

    /// <summary>Starts at the frame's first byte; <paramref name="end"/> is its original length without FCS.</summary>
    public Walk(ReadOnlySpan<byte> frame, int end)
    {
        Frame = frame;
        End = end;
        PacketEnd = end;
        Layout = default;
    }

    /// <summary>True when the bytes were captured and belong to the packet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Has(int offset, int count) => offset + count <= Math.Min(Frame.Length, End);

    /// <summary>Why a header that <see cref="Has"/> denied is missing: cut by the capture, or never there.</summary>
    public readonly DecodeVerdict Short(int offset, int count) =>
        offset + count <= End ? DecodeVerdict.Cut : DecodeVerdict.Truncated;

    public readonly byte U8(int offset) => Frame[offset];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ushort U16(int offset) => BinaryPrimitives.ReadUInt16BigEndian(Frame[offset..]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint U32(int offset) => BinaryPrimitives.ReadUInt32BigEndian(Frame[offset..]);

    public readonly bool Is(LayoutFlags flag) => (Layout.Flags & flag) != 0;

    /// <summary>Notes where the packet under way ends by its own length field.</summary>
    public void SetPacketEnd(int end)
    {
        if (end > Frame.Length)
        {
            Layout.Flags |= LayoutFlags.PayloadCut;
        }

        LimitEnd(end);
        PacketEnd = Is(LayoutFlags.OuterFragment) ? end : End;
    }

    /// <summary>Cuts the room for headers down to <paramref name="end"/>; it never grows.</summary>
    public void LimitEnd(int end) => End = Math.Min(End, end);

    /// <summary>Everything from <paramref name="offset"/> to the packet's end is payload.</summary>
    public void SetPayload(int offset)
    {
        Layout.PayloadOffset = (ushort)offset;

        // No frame carries more than it has room for (padding lies, PPPoE lengths), unless its carrier is a first
        // fragment: then the rest of the packet follows in the others.
        var end = (Layout.Flags & LayoutFlags.OuterFragment) != 0 ? PacketEnd : Math.Min(PacketEnd, End);
        Layout.PayloadLength = Math.Max(0, end - offset);
    }

    public void PushVlan(ushort tci)
    {
        switch (Layout.VlanCount)
        {
            case 0: Layout.Vlan0 = tci; break;
            case 1: Layout.Vlan1 = tci; break;
            case 2: Layout.Vlan2 = tci; break;
            case 3: Layout.Vlan3 = tci; break;
            default: Layout.Flags |= LayoutFlags.VlanOverflow; return;
        }

        Layout.VlanCount++;
    }

    /// <summary>True when one more tunnel may be entered.</summary>
    public readonly bool MayEnter => Layout.TunnelDepth < Limits.TunnelDepthMax;

    /// <summary>
    /// Makes the packet decoded so far the carrier and clears what belongs to the packet inside. A tunnel that has no
    /// IP carrier of its own (MPLS on Ethernet or inside GRE) does not hide the IP tunnel around it.
    /// </summary>
    public void Enter(TunnelKind kind, uint id)
    {
        Invariant.Check(MayEnter);
        var carrier = Layout;
        Layout = default;
        Layout.LinkOffset = carrier.LinkOffset;
        Layout.VlanCount = carrier.VlanCount;
        Layout.Vlan0 = carrier.Vlan0;
        Layout.Vlan1 = carrier.Vlan1;
        Layout.Vlan2 = carrier.Vlan2;
        Layout.Vlan3 = carrier.Vlan3;
        Layout.TunnelDepth = (byte)(carrier.TunnelDepth + 1);
        Layout.Flags = LayoutFlags.Tunnelled | (carrier.Flags
            & (LayoutFlags.HasMac | LayoutFlags.VlanOverflow | LayoutFlags.OuterFragment));
        if ((carrier.Flags & LayoutFlags.FirstFragment) != 0)
        {
            Layout.Flags |= LayoutFlags.OuterFragment;
        }

        var hasCarrier = carrier.IpVersion != 0;
        if (!hasCarrier && carrier.OuterIpVersion != 0)
        {
            Layout.Tunnel = carrier.Tunnel;
            Layout.Vni = carrier.Vni;
            Layout.OuterIpVersion = carrier.OuterIpVersion;
            Layout.OuterNetworkOffset = carrier.OuterNetworkOffset;
            return;
        }

        Layout.Tunnel = kind;
        Layout.Vni = id;
        Layout.OuterIpVersion = carrier.IpVersion;
        Layout.OuterNetworkOffset = hasCarrier ? carrier.NetworkOffset : (ushort)0;
    }

    /// <summary>
    /// Decides whose flow the frame is, after the inside of a tunnel was walked. The inside is the flow when its IP
    /// header is whole and sound (even if its transport header is cut), or when it is a layer-2 frame with MAC
    /// addresses of its own. Otherwise the carrier is, with the verdict it had without the tunnel.
    /// </summary>
    public DecodeVerdict Settle(DecodeVerdict inside, in FrameLayout carrier, DecodeVerdict carrierVerdict)
    {
        if (Layout.IpVersion != 0)
        {
            return inside;
        }

        var ownMac = Layout.LinkOffset != carrier.LinkOffset;
        if (inside == DecodeVerdict.Link && ownMac)
        {
            return inside;
        }

        var broken = inside != DecodeVerdict.Link;
        Layout = carrier;
        if (broken)
        {
            Layout.Flags |= LayoutFlags.TunnelBroken;
        }

        return carrierVerdict;
    }
}
