// What the capture point knows of a frame besides its bytes.
namespace Tapline.Base;

/// <summary>Facts about a frame that its bytes do not tell.</summary>
[Flags]
public enum FrameFlags : ushort
{
    None = 0,

    /// <summary>The L4 checksum field holds only the pseudo-header sum; the sender left the rest to its NIC
    /// (virtio_net_hdr VIRTIO_NET_HDR_F_NEEDS_CSUM). <see cref="FrameMeta.ChecksumStart"/> says where to finish it.</summary>
    ChecksumPartial = 1 << 0,

    /// <summary>The kernel has verified the L4 checksum (VIRTIO_NET_HDR_F_DATA_VALID).</summary>
    ChecksumVerified = 1 << 1,

    /// <summary>The VLAN tag travelled beside the frame and was put back into it by the capture.</summary>
    VlanRestored = 1 << 2,

    /// <summary>Sent by the host itself into the switch (the bridge device's outgoing direction).</summary>
    FromHost = 1 << 3,

    /// <summary>The timestamp was taken by the NIC, not by the kernel.</summary>
    HardwareTimestamp = 1 << 4,

    /// <summary>The frame check sequence is part of the captured bytes and must not be counted as payload.</summary>
    HasFcs = 1 << 5,

    /// <summary>The ring's slot was too small: bytes were cut that nobody chose to cut.</summary>
    Cut = 1 << 6,
}
