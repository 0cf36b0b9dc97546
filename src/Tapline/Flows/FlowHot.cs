// The part of a flow that every frame touches: three adjacent cache lines: identity and state, then each direction.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Hot part of a flow: 192 bytes, three cache lines. Direction 0 is what endpoint A of the key sends.</summary>
/// <remarks>
/// <code>
///   0 AHigh 8 | 8 ALow 8 | 16 BHigh 8 | 24 BLow 8 | 32 Ports 4 | 36 Vni 4    as in FlowKey
///  40 Scope0 8 | 48 Scope1 8     one per direction: a trunk may tag one way only (FlowTable, VLAN asymmetry)
///  56 State 1 | 57 TcpFlags0 1 | 58 TcpFlags1 1 | 59 Flags 1
///  60 StartSeconds 4             second of the record's first frame, for the active timeout
///  64 Direction0 64 | 128 Direction1 64
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 192)]
internal struct FlowHot
{
    public ulong AHigh;
    public ulong ALow;
    public ulong BHigh;
    public ulong BLow;
    public uint Ports;
    public uint Vni;
    public ulong Scope0;
    public ulong Scope1;
    public FlowState State;
    public byte TcpFlags0;
    public byte TcpFlags1;
    public byte Flags;
    public uint StartSeconds;
    public FlowDirection Direction0;
    public FlowDirection Direction1;

    /// <summary>The initiator is endpoint B.</summary>
    public const byte InitiatorIsB = 0x01;

    /// <summary>The entry is in use.</summary>
    public const byte InUse = 0x02;

    /// <summary>Base sequence number of direction 0 / 1 is known.</summary>
    public const byte BaseSeq0 = 0x04;

    public const byte BaseSeq1 = 0x08;

    /// <summary>The index holds a second entry for this flow (other VLAN stack).</summary>
    public const byte HasAlias = 0x10;

    /// <summary>A SYN was seen: the first ACK still has to be timed.</summary>
    public const byte HandshakeOpen = 0x20;

    /// <summary>The two directions carry different VNIs; the other one is in <see cref="FlowCold.OtherVni"/>.</summary>
    public const byte HasTwoVnis = 0x40;

    /// <summary>This part of the flow saw <see cref="TcpFindings.Trouble"/>, a reset or an ICMP error.</summary>
    public const byte HasEvent = 0x80;

    public readonly ushort Protocol => (ushort)((Scope0 >> FlowKey.ProtocolShift) & 0x1ff);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Has(byte flag) => (Flags & flag) != 0;

    /// <summary>True when <paramref name="key"/>, sent in <paramref name="direction"/>, belongs to this flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Matches(in FlowKey key, int direction) =>
        key.ALow == ALow && key.BLow == BLow && key.Ports == Ports && key.Vni == Vni
        && key.Scope == (direction == 0 ? Scope0 : Scope1)
        && key.AHigh == AHigh && key.BHigh == BHigh;

    /// <summary>As <see cref="Matches"/> without regard to VLANs and VNI.</summary>
    public readonly bool MatchesApartFromTenant(in FlowKey key) =>
        key.ALow == ALow && key.BLow == BLow && key.Ports == Ports
        && ((key.Scope ^ Scope0) & ~FlowKey.VlanMask) == 0 && key.AHigh == AHigh && key.BHigh == BHigh;

    /// <summary>The key under which the given direction's frames arrive.</summary>
    public readonly FlowKey Key(int direction) => new()
    {
        AHigh = AHigh,
        ALow = ALow,
        BHigh = BHigh,
        BLow = BLow,
        Ports = Ports,
        Vni = Vni,
        Scope = direction == 0 ? Scope0 : Scope1,
    };

    /// <summary>Time of the flow's latest frame.</summary>
    public readonly long LastNs => Math.Max(Direction0.LastNs, Direction1.LastNs);
}
