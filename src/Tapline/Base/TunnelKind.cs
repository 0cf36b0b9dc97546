// The names of tunnels as they appear in records (`tunnel` in a flow).
namespace Tapline.Base;

/// <summary>The innermost tunnel that carried the decoded packet.</summary>
public enum TunnelKind : byte
{
    None = 0,
    Vxlan = 1,
    VxlanGpe = 2,
    Geneve = 3,
    Gre = 4,
    Nvgre = 5,
    Erspan1 = 6,
    Erspan2 = 7,
    Erspan3 = 8,
    IpInIp = 9,
    Gtpu = 10,
    EtherIp = 11,
    MplsOverUdp = 12,
    Mpls = 13,
}
