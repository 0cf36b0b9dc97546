// What makes two frames members of one conversation: both addresses, both ports, protocol, VLANs and tenant. The key is
// direction-free: the smaller endpoint stands first, whoever sent the frame. The observation point is not part of it,
// so that a conversation between two VMs of one host, seen at two switch ports, is one flow.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>Direction-free identity of a conversation. 48 bytes, compared as six words.</summary>
/// <remarks>
/// <code>
///  0 AHigh 8 | 8 ALow 8     endpoint that compares lower; IPv4 as ::ffff:a.b.c.d; a MAC in the low 48 bits for layer 2
/// 16 BHigh 8 | 24 BLow 8    the other endpoint
/// 32 Ports 4                port of A in the high half, of B in the low half; ICMP: see FlowKeyReader
/// 36 Vni 4                  tenant: VXLAN/Geneve VNI, GRE key, NVGRE VSID; 0 for what is no tenant (see FlowKeyReader)
/// 40 Scope 8                bits 0..47 four VLAN IDs, outermost lowest; 48..56 protocol; 57..63 tunnel kind
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct FlowKey
{
    public ulong AHigh;
    public ulong ALow;
    public ulong BHigh;
    public ulong BLow;
    public uint Ports;
    public uint Vni;
    public ulong Scope;

    public const int ProtocolShift = 48;
    public const int TunnelShift = 57;
    public const ulong VlanMask = 0xffff_ffff_ffff;

    /// <summary>IANA protocol number or layer-2 kind.</summary>
    public readonly ushort Protocol => (ushort)((Scope >> ProtocolShift) & 0x1ff);

    /// <summary>The key's two ports with protocol and VLANs exchanged for another VLAN stack.</summary>
    public readonly FlowKey WithVlans(ulong vlans)
    {
        var copy = this;
        copy.Scope = (Scope & ~VlanMask) | vlans;
        return copy;
    }

    /// <summary>A seeded 64-bit hash; without the seed an attacker can't aim at one bucket.</summary>
    /// <remarks>Three 64×64→128 multiplications folded and one to mix: every input bit reaches every output bit.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong Hash(ulong seed)
    {
        var first = Fold(AHigh ^ seed, ALow ^ 0x9e37_79b9_7f4a_7c15);
        var second = Fold(BHigh ^ 0xd6e8_feb8_6659_fd93, BLow ^ seed);
        var third = Fold((((ulong)Ports << 32) | Vni) ^ 0xa076_1d64_78bd_642f, Scope ^ seed);
        return Fold(first ^ third ^ 0xe703_7ed1_a0b4_28db, second ^ (third << 32 | third >> 32) ^ seed);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
