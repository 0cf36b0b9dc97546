// The first 256 bytes of an index: what segment it belongs to, and where its sections are. Parsed from hostile bytes on a
// span; a header that is not whole is a verdict, never an exception. docs/formats/index.md draws it.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record.Index;

/// <summary>What an index says of its segment.</summary>
public readonly struct IndexHeader
{
    internal const int Bytes = 256;
    internal const ushort Version = 1;
    internal const int SectionsMax = 10;
    internal const int SectionEntryBytes = 16;
    private const ulong Magic = 0x3158_4544_4E49_4C54; // "TLINDEX1" read little-endian
    private const int CrcOffset = 92;
    private const int TableOffset = 96;

    /// <summary>A header without sections.</summary>
    public IndexHeader()
    {
    }

    /// <summary>Length of the segment file.</summary>
    public long SegmentBytes { get; init; }

    /// <summary>Packets in it; each is in exactly one flow's list.</summary>
    public long Frames { get; init; }

    /// <summary>The earliest and the latest time of its packets, ns since the epoch.</summary>
    public long FirstNs { get; init; }

    public long LastNs { get; init; }

    /// <summary>Flows, the one of number 0 included: packets of no flow.</summary>
    public int Flows { get; init; }

    /// <summary>The worker that recorded it.</summary>
    public int Worker { get; init; }

    /// <summary>Which segment of this run of the worker it was, from 1; 0 = made from the packets.</summary>
    public long Sequence { get; init; }

    /// <summary>Packets of flow 0; -1 = an older index, in which the section of packets says it.</summary>
    public int PacketsOfNoFlow { get; init; } = -1;

    /// <summary>How it was made.</summary>
    public IndexOrigin Origin { get; init; }

    internal long FileBytes { get; init; }

    internal IndexSection[] Sections { get; init; } = [];

    /// <summary>How many of an index's first bytes are its head: header, directory and filter; 0 where that is more than these, or no
    /// index. Checks nothing else; no allocation.</summary>
    internal static int HeadBytes(ReadOnlySpan<byte> first)
    {
        if (first.Length < Bytes || BinaryPrimitives.ReadUInt64LittleEndian(first) != Magic)
        {
            return 0;
        }

        long end = Bytes;
        for (var i = 0; i < Math.Min(SectionsMax, (int)BinaryPrimitives.ReadUInt16LittleEndian(first[12..])); i++)
        {
            var section = IndexSection.Read(first[(TableOffset + (i * SectionEntryBytes))..]);
            var isOfHead = section.Kind is IndexSectionKind.Directory or IndexSectionKind.Filter;
            end = isOfHead ? Math.Max(end, section.Offset + section.Bytes) : end;
        }

        return end <= first.Length ? (int)end : 0;
    }

    /// <summary>Who made the index, as its header claims.</summary>
    internal static IndexOrigin OriginOf(ReadOnlySpan<byte> header) =>
        header.Length < Bytes ? IndexOrigin.Rebuilt : (IndexOrigin)header[68];

    /// <summary>The length of its file that a header claims.</summary>
    internal static long FileBytesOf(ReadOnlySpan<byte> header) =>
        header.Length < Bytes ? 0 : BinaryPrimitives.ReadInt64LittleEndian(header[56..]);

    internal bool TryFind(IndexSectionKind kind, out IndexSection section)
    {
        section = Array.Find(Sections, s => s.Kind == kind);
        return section.Kind == kind;
    }

    internal void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[10..], Bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(target[12..], (ushort)Sections.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(target[14..], (ushort)Worker);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], SegmentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Frames);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], FirstNs);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], LastNs);
        BinaryPrimitives.WriteInt64LittleEndian(target[56..], FileBytes);
        BinaryPrimitives.WriteInt32LittleEndian(target[64..], Flows);
        target[68] = (byte)Origin;
        target[69] = (byte)(PacketsOfNoFlow < 0 ? 0 : 1);
        BinaryPrimitives.WriteInt32LittleEndian(target[72..], Math.Max(0, PacketsOfNoFlow));
        for (var i = 0; i < Sections.Length; i++)
        {
            Sections[i].Write(target[(TableOffset + (i * SectionEntryBytes))..]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(target[CrcOffset..], Crc32C.Compute(target[..Bytes]));
    }

    internal static IndexVerdict TryParse(ReadOnlySpan<byte> bytes, long fileBytes, out IndexHeader header)
    {
        header = new IndexHeader();
        if (bytes.Length < Bytes || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
        {
            return IndexVerdict.Damaged;
        }

        Span<byte> copy = stackalloc byte[Bytes];
        bytes[..Bytes].CopyTo(copy);
        copy[CrcOffset..TableOffset].Clear();
        if (Crc32C.Compute(copy) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]))
        {
            return IndexVerdict.Damaged;
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[8..]) != Version)
        {
            return IndexVerdict.UnknownVersion;
        }

        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[12..]);
        header = new IndexHeader
        {
            Worker = BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            SegmentBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
            Frames = BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            FirstNs = BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
            LastNs = BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
            FileBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]),
            Flows = BinaryPrimitives.ReadInt32LittleEndian(bytes[64..]),
            Origin = (IndexOrigin)bytes[68],
            PacketsOfNoFlow = bytes[69] == 1 ? BinaryPrimitives.ReadInt32LittleEndian(bytes[72..]) : -1,
            Sections = count <= SectionsMax ? ReadTable(bytes[TableOffset..], count) : [],
        };
        return header.IsSound(fileBytes) ? IndexVerdict.Sound : IndexVerdict.Damaged;
    }

    private static IndexSection[] ReadTable(ReadOnlySpan<byte> table, int count)
    {
        var sections = new IndexSection[count];
        for (var i = 0; i < count; i++)
        {
            sections[i] = IndexSection.Read(table[(i * SectionEntryBytes)..]);
        }

        return sections;
    }

    private bool IsSound(long fileBytes) => FileBytes == fileBytes
        && PacketsOfNoFlow >= -1 && PacketsOfNoFlow <= Frames
        && Frames >= 0 && SegmentBytes >= 0 && Flows >= 1 && Flows <= Limits.IndexFlowsMax && FirstNs <= LastNs
        && Array.TrueForAll(Sections, s => s.Offset >= Bytes && s.Bytes >= 0 && s.Offset + s.Bytes <= fileBytes)
        && TryFind(IndexSectionKind.Filter, out _) && TryFind(IndexSectionKind.Directory, out _);
}
