// The numbers of the batch format, as docs/formats/spool.md draws them. Little-endian throughout.
//
//   0 magic "TLBATCH1"   8 version 2 | 10 header bytes 2 | 12 sections 2 | 14 worker 2   16 instance 8   24 sequence 8
//  32 first_ns 8   40 last_ns 8   48 file bytes 8   56 records dropped 8   64 node name 56   120 reserved 4   124 CRC-32C 4
// 128 section table: 16 entries of 24 bytes { kind 2, reserved 2, row bytes 4, rows 4, CRC-32C 4, offset 4, bytes 4 }
// 512 sections, each at a multiple of 8
namespace Tapline.Store;

/// <summary>Offsets, sizes and kinds of a spool batch.</summary>
internal static class SpoolLayout
{
    public const ulong Magic = 0x31484354_41424c54; // "TLBATCH1" read little-endian
    public const ushort Version = 1;
    public const int HeaderBytes = 512;
    public const int SectionTableOffset = 128;
    public const int SectionEntryBytes = 24;
    public const int SectionsMax = 16;
    public const int NodeOffset = 64;
    public const int NodeBytes = 56;
    public const int CrcOffset = 124;
    public const int SectionAlignment = 8;

    public const ushort StringsKind = 1;
    public const ushort PointsKind = 2;
    public const ushort SessionsKind = 3;
    public const ushort FlowsKind = 4;
    public const ushort LedgerKind = 5;
    public const ushort MirrorLedgerKind = 6;
    public const ushort EndpointsKind = 7;

    /// <summary>The last kind that this version writes.</summary>
    public const ushort LastKind = EndpointsKind;

    /// <summary>{ id 2, reserved 6, speed 8, then name, kind, switch, vm, vm_id as string references }</summary>
    public const int PointRowBytes = 16 + (5 * StringReferenceBytes);

    /// <summary>{ id 2, reserved 6, then name, to, filter as string references }</summary>
    public const int SessionRowBytes = 8 + (3 * StringReferenceBytes);

    /// <summary>{ mac 8, ip 16, then name as string reference }</summary>
    public const int EndpointRowBytes = 24 + StringReferenceBytes;

    /// <summary>{ offset in the strings section 4, length 2, present 2 (0 = null) }</summary>
    public const int StringReferenceBytes = 8;

    public const int StringBytesMax = 1024;

    /// <summary>No writer has ever had shorter rows; a shorter one is damage (and would blow up in memory).</summary>
    public const int FlowRowBytesMin = 256;
    public const int LedgerRowBytesMin = 64;

    public const string Extension = ".batch";
    public const string BadFolder = "bad";

    public static int Align(int offset) => (offset + SectionAlignment - 1) & ~(SectionAlignment - 1);
}
