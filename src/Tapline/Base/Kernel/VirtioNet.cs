// Mirror of <linux/virtio_net.h>: the header that PACKET_VNET_HDR puts before each frame, in native byte order.
using System.Runtime.InteropServices;

namespace Tapline.Base.Kernel;

/// <summary>struct virtio_net_hdr: checksum and segmentation state of a frame. 10 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2)]
internal struct virtio_net_hdr
{
    public const byte VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
    public const byte VIRTIO_NET_HDR_F_DATA_VALID = 2;
    public const byte VIRTIO_NET_HDR_GSO_NONE = 0;
    public const byte VIRTIO_NET_HDR_GSO_TCPV4 = 1;
    public const byte VIRTIO_NET_HDR_GSO_UDP = 3;
    public const byte VIRTIO_NET_HDR_GSO_TCPV6 = 4;
    public const byte VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
    public const byte VIRTIO_NET_HDR_GSO_ECN = 0x80;

    public byte flags;
    public byte gso_type;
    public ushort hdr_len;
    public ushort gso_size;
    public ushort csum_start;
    public ushort csum_offset;
}
