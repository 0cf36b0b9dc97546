// Headers are parsed once, into these 64 bytes; every later stage reads this and never parses again. Offsets are from
// the start of the captured frame. The innermost decodable packet is "the packet"; the outermost-but-one is "outer".
using System.Runtime.InteropServices;
using Tapline.Base;

namespace Tapline.Decode;

/// <summary>Offsets and flags of one decoded frame: one cache line, blittable.</summary>
/// <remarks>
/// <code>
///  0 Verdict           1   | 1 IpVersion 1 (0, 4, 6)
///  2 Flags             2
///  4 LinkOffset        2   innermost MAC header (HasMac), else start of the link header
///  6 NetworkOffset     2   innermost L3 header; 0 with IpVersion 0 and EtherType ARP etc. = after the link header
///  8 TransportOffset   2
/// 10 PayloadOffset     2   first byte after the transport header (or after what was decoded)
/// 12 PayloadLength     4   L4 payload bytes that the packet had by its own lengths, at most what its frame had
///                         (may exceed the captured bytes; in a fragmented carrier, also the frame's)
/// 16 EtherType         2   of the innermost L3 (with flag Llc: DSAP * 256 + SSAP)
/// 18 IpProtocol        1   final next header (transport) | 19 TcpFlags 1 (low 8 bits)
/// 20 SourcePort        2   | 22 DestinationPort 2 (ICMP: type * 256 + code, and an echo's identifier)
/// 24 VlanCount         1   | 25 Tunnel 1 | 26 TunnelDepth 1 | 27 OuterIpVersion 1
/// 28 Vlans             8   four 16-bit TCI values (PCP, DEI, VID), outermost first
/// 36 Vni               4   VXLAN/Geneve VNI, GRE key, NVGRE VSID, ERSPAN session id, GTP TEID, bottom MPLS label
/// 40 OuterNetworkOffset 2  IP header of the innermost tunnel's carrier
/// 42 Ttl               1   | 43 TrafficClass 1 (whole TOS / traffic class byte)
/// 44 FragmentId        4   IPv4 identification or IPv6 fragment identification
/// 48 FragmentOffset    2   in bytes
/// 50 TransportHeaderLength 2
/// 52 NetworkLength     4   L3 packet bytes by its own length (IP total length; 0 = jumbo or GSO: until frame's end)
/// 56 AddressHash       4   symmetric hash of the innermost address pair: which worker owns the conversation
/// 60 reserved          4
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct FrameLayout
{
    [FieldOffset(0)] public DecodeVerdict Verdict;
    [FieldOffset(1)] public byte IpVersion;
    [FieldOffset(2)] public LayoutFlags Flags;
    [FieldOffset(4)] public ushort LinkOffset;
    [FieldOffset(6)] public ushort NetworkOffset;
    [FieldOffset(8)] public ushort TransportOffset;
    [FieldOffset(10)] public ushort PayloadOffset;
    [FieldOffset(12)] public int PayloadLength;
    [FieldOffset(16)] public ushort EtherType;
    [FieldOffset(18)] public byte IpProtocol;
    [FieldOffset(19)] public byte TcpFlags;
    [FieldOffset(20)] public ushort SourcePort;
    [FieldOffset(22)] public ushort DestinationPort;
    [FieldOffset(24)] public byte VlanCount;
    [FieldOffset(25)] public TunnelKind Tunnel;
    [FieldOffset(26)] public byte TunnelDepth;
    [FieldOffset(27)] public byte OuterIpVersion;
    [FieldOffset(28)] public ushort Vlan0;
    [FieldOffset(30)] public ushort Vlan1;
    [FieldOffset(32)] public ushort Vlan2;
    [FieldOffset(34)] public ushort Vlan3;
    [FieldOffset(36)] public uint Vni;
    [FieldOffset(40)] public ushort OuterNetworkOffset;
    [FieldOffset(42)] public byte Ttl;
    [FieldOffset(43)] public byte TrafficClass;
    [FieldOffset(44)] public uint FragmentId;
    [FieldOffset(48)] public ushort FragmentOffset;
    [FieldOffset(50)] public ushort TransportHeaderLength;
    [FieldOffset(52)] public int NetworkLength;
    [FieldOffset(56)] public uint AddressHash;
}
