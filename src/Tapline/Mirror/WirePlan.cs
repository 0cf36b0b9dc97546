// How one captured frame becomes wire frames: decided once, then each wire frame is written from it by its index.
// Offsets are from the start of the captured frame and were checked against its length, so that writing cannot fail.
using System.Runtime.InteropServices;

namespace Tapline.Mirror;

/// <summary>What has to be done to a frame before it may leave.</summary>
internal enum WireShape : byte
{
    /// <summary>It leaves as it is.</summary>
    AsIs,

    /// <summary>Its sender left the L4 checksum to a NIC.</summary>
    CompleteChecksum,

    /// <summary>A TCP super-frame: each segment gets its own headers.</summary>
    SegmentTcp,

    /// <summary>Many datagrams in one (UDP segmentation offload): each gets its own headers.</summary>
    SegmentUdp,

    /// <summary>One datagram longer than the wire (UDP fragmentation offload): IP fragments.</summary>
    Fragment,
}

/// <summary>
/// The plan for one captured frame. Made by <see cref="WirePlanner"/>, used by <see cref="WireWriter"/>.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct WirePlan
{
    public WireShape Shape;

    /// <summary>L2 bytes of the frame without FCS.</summary>
    public int FrameBytes;

    /// <summary>Wire frames that the frame becomes.</summary>
    public int Count;

    /// <summary>Bytes of payload in each wire frame but the last.</summary>
    public int SegmentBytes;

    /// <summary>Length of the longest wire frame.</summary>
    public int LongestBytes;

    /// <summary>Where the IP header lies whose packet is segmented.</summary>
    public int Network;

    /// <summary>Where the transport header lies that is repeated in each segment.</summary>
    public int Transport;

    /// <summary>
    /// First byte after that transport header (of a fragmented datagram: the transport header itself).
    /// </summary>
    public int Payload;

    /// <summary>The IP header around the tunnel; -1 = not tunnelled.</summary>
    public int OuterNetwork;

    /// <summary>What the outer IP header carries (UDP, GRE); meaningful with OuterNetwork.</summary>
    public int OuterTransport;

    /// <summary>
    /// 8 when the IPv6 header is followed by the jumbo option of a BIG TCP frame, which no wire carries.
    /// </summary>
    public int JumboOptionBytes;

    /// <summary>Where the checksum that is to be completed starts and where it is stored.</summary>
    public int ChecksumStart;

    public int ChecksumField;

    /// <summary>True when the checksum is SCTP's CRC32c (RFC 9260 appendix A).</summary>
    public bool IsCrc32c;

    /// <summary>Identification of IPv6 fragments.</summary>
    public uint FragmentId;

    /// <summary>Room for all wire frames, never too small.</summary>
    public readonly int RoomBytes => Count * LongestBytes;

    /// <summary>Bytes by which the wire frames' headers are longer than the captured frame's; negative = shorter.</summary>
    public readonly int HeaderShift(ReadOnlySpan<byte> frame) => Shape == WireShape.Fragment
        ? frame[Network] >> 4 == 6 ? Ipv6FragmentHeaderBytes : 0
        : -JumboOptionBytes;

    /// <summary>RFC 8200 section 4.5.</summary>
    private const int Ipv6FragmentHeaderBytes = 8;
}
