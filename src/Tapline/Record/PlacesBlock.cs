// Where in a segment its interfaces and lists of machines are described, so that a query that reads single packets need not
// walk the file for them. The last block but one of a finished segment; docs/formats/segment.md draws it. Written without
// allocation; a reader believes it when its checksum holds and each place has such a block.
//
// body:  0 magic "TLPLACE1" 8   8 places 4 | 12 zero 4   16 places of 8, rising   then CRC-32C of all before it 4, zero 4
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record;

/// <summary>Encodes and decodes the places block.</summary>
internal static class PlacesBlock
{
    /// <summary>"TL", 3 of the range 0x80000000 up.</summary>
    public const uint Type = 0x8054_4C03;

    /// <summary>Places that one segment can note; one with more has no such block, and is walked.</summary>
    public const int PlacesMax = Limits.SegmentInterfacesMax + 1024;

    private const ulong Magic = 0x3145_4341_4C50_4C54; // "TLPLACE1" read little-endian
    private const int FixedBytes = 16;
    private const int TrailerBytes = 8;

    /// <summary>Length of the whole block.</summary>
    public static int Bytes(int places) => PcapngWriter.BlockFrameBytes + FixedBytes + (places * sizeof(long)) + TrailerBytes;

    /// <summary>Writes the block; returns its length.</summary>
    public static int Write(Span<byte> target, ReadOnlySpan<long> places)
    {
        var length = Bytes(places.Length);
        var body = target[8..(length - 4)];
        BinaryPrimitives.WriteUInt64LittleEndian(body, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(body[8..], places.Length);
        BinaryPrimitives.WriteInt32LittleEndian(body[12..], 0);
        for (var i = 0; i < places.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(body[(FixedBytes + (i * sizeof(long)))..], places[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(body[^TrailerBytes..], Crc32C.Compute(body[..^TrailerBytes]));
        BinaryPrimitives.WriteInt32LittleEndian(body[^4..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Type);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], length);
        BinaryPrimitives.WriteInt32LittleEndian(target[(length - 4)..], length);
        return length;
    }

    /// <summary>How many places a block claims to have, as many as it has bytes for. No allocation; nothing is checked.</summary>
    public static int Count(ReadOnlySpan<byte> block) => block.Length < Bytes(0) ? 0
        : (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(block[16..]), (uint)(block.Length - Bytes(0)) / sizeof(long));

    /// <summary>One of them.</summary>
    public static long Place(ReadOnlySpan<byte> block, int number) =>
        BinaryPrimitives.ReadInt64LittleEndian(block[(8 + FixedBytes + (number * sizeof(long)))..]);

    /// <summary>Reads a whole block; null when it is not one.</summary>
    public static long[]? TryRead(ReadOnlySpan<byte> block)
    {
        if (block.Length < Bytes(0) || BinaryPrimitives.ReadUInt32LittleEndian(block) != Type)
        {
            return null;
        }

        var body = block[8..^4];
        var count = BinaryPrimitives.ReadUInt32LittleEndian(body[8..]);
        if (BinaryPrimitives.ReadUInt64LittleEndian(body) != Magic || count > PlacesMax || Bytes((int)count) != block.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(body[^TrailerBytes..]) != Crc32C.Compute(body[..^TrailerBytes]))
        {
            return null;
        }

        var places = new long[count];
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = BinaryPrimitives.ReadInt64LittleEndian(body[(FixedBytes + (i * sizeof(long)))..]);
            if (places[i] < (i == 0 ? 1 : places[i - 1]))
            {
                return null;
            }
        }

        return places;
    }
}
