// EtherTypes and 802.2 service access points that primitives name (IEEE registrations; libpcap's ethertype.h, llc.h).
namespace Tapline.Filter.Lowering;

/// <summary>Values of the type field; up to <see cref="LengthMax"/> it is a length, and the number an LLC SAP.</summary>
internal static class EtherType
{
    public const uint LengthMax = 1500;

    public const uint Ip = 0x0800;
    public const uint Arp = 0x0806;
    public const uint MopDump = 0x6001;
    public const uint MopRemote = 0x6002;
    public const uint Decnet = 0x6003;
    public const uint Lat = 0x6004;
    public const uint Sca = 0x6007;
    public const uint TransparentEthernet = 0x6558;
    public const uint Rarp = 0x8035;
    public const uint Atalk = 0x809b;
    public const uint Aarp = 0x80f3;
    public const uint Vlan = 0x8100;
    public const uint Ipx = 0x8137;
    public const uint Ip6 = 0x86dd;
    public const uint Mpls = 0x8847;
    public const uint PppoeDiscovery = 0x8863;
    public const uint PppoeSession = 0x8864;
    public const uint ServiceVlan = 0x88a8;
    public const uint OldQinq = 0x9100;

    public const uint SapIp = 0x06;
    public const uint SapSpanningTree = 0x42;
    public const uint SapSnap = 0xaa;
    public const uint SapIpx = 0xe0;
    public const uint SapNetbeui = 0xf0;
    public const uint SapIso = 0xfe;
}
