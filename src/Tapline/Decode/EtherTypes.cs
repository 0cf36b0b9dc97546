// EtherTypes that the decoder follows (IEEE 802 numbers registry).
namespace Tapline.Decode;

/// <summary>EtherType values.</summary>
public static class EtherTypes
{
    public const ushort Ipv4 = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort TransparentEthernet = 0x6558;
    public const ushort Vlan = 0x8100;
    public const ushort Ipv6 = 0x86DD;
    public const ushort Ppp = 0x880B;
    public const ushort Wccp = 0x883E;
    public const ushort Mpls = 0x8847;
    public const ushort MplsMulticast = 0x8848;
    public const ushort PppoeSession = 0x8864;
    public const ushort ProviderVlan = 0x88A8;

    /// <summary>Cisco metadata (security group tag) in front of another EtherType.</summary>
    public const ushort CiscoMetadata = 0x8909;
    public const ushort Erspan2 = 0x88BE;
    public const ushort Erspan3 = 0x22EB;
    public const ushort Nsh = 0x894F;
    public const ushort OldQinQ1 = 0x9100;
    public const ushort OldQinQ2 = 0x9200;

    /// <summary>Values below are 802.3 lengths (IEEE 802.3 clause 3.2.6).</summary>
    public const ushort Min = 0x0600;

    /// <summary>True for a VLAN tag's protocol identifier: 802.1Q, 802.1ad and the two older stacking values.</summary>
    public static bool IsVlan(ushort type) => type is Vlan or ProviderVlan or OldQinQ1 or OldQinQ2;
}
