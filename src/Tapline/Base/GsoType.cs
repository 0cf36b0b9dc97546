// Generic segmentation offload kinds, as in <linux/virtio_net.h> (VIRTIO_NET_HDR_GSO_*).
namespace Tapline.Base;

/// <summary>How the sender wanted a super-frame to be segmented (virtio_net_hdr.gso_type).</summary>
[Flags]
public enum GsoType : byte
{
    None = 0,
    Tcpv4 = 1,
    Udp = 3,
    Tcpv6 = 4,
    UdpL4 = 5,

    /// <summary>Bit set on top of a TCP kind: the stream uses ECN (CWR only on the first segment).</summary>
    Ecn = 0x80,
}
