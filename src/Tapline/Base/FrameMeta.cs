// The one struct that travels beside a frame's bytes through every stage. It is plain data: stages borrow the bytes as
// a span for the call and copy this by `in`. Time arrives here, so that a replayed capture gives the same records.
using System.Runtime.InteropServices;

namespace Tapline.Base;

/// <summary>What capture knows of one frame. 48 bytes, blittable, no references.</summary>
/// <remarks>
/// <code>
///  0 TimestampNs      8   nanoseconds since 1970-01-01 UTC
///  8 CapturedLength   4   bytes present
/// 12 OriginalLength   4   L2 bytes the frame had, without FCS (unless HasFcs); never below CapturedLength
/// 16 PointId          2   observation point
/// 18 LinkType         2
/// 20 Flags            2
/// 22 GsoType          1   | 23 reserved
/// 24 GsoSize          2   payload bytes of each wire segment; 0 = not a super-frame
/// 26 GsoHeaderLength  2   virtio_net_hdr.hdr_len, a hint only
/// 28 ChecksumStart    2   offset in the frame from which the L4 checksum is summed
/// 30 ChecksumOffset   2   offset from ChecksumStart at which it is stored
/// 32 FrameNumber      8   1-based, per source
/// 40 SourceOffset     8   byte offset of the frame's record in its file; -1 when live
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 48)]
public struct FrameMeta
{
    [FieldOffset(0)] public long TimestampNs;
    [FieldOffset(8)] public int CapturedLength;
    [FieldOffset(12)] public int OriginalLength;
    [FieldOffset(16)] public ushort PointId;
    [FieldOffset(18)] public LinkType LinkType;
    [FieldOffset(20)] public FrameFlags Flags;
    [FieldOffset(22)] public GsoType GsoType;
    [FieldOffset(24)] public ushort GsoSize;
    [FieldOffset(26)] public ushort GsoHeaderLength;
    [FieldOffset(28)] public ushort ChecksumStart;
    [FieldOffset(30)] public ushort ChecksumOffset;
    [FieldOffset(32)] public long FrameNumber;
    [FieldOffset(40)] public long SourceOffset;
}
