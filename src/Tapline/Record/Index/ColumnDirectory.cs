// Which columns an index has, how each is coded, its bounds and where its numbers lie. In: the directory's bytes, hostile.
// Out: one row for each column that is known here. Made once for each index that is opened.
//
// directory: varint columns, then for each: varint number · coding 1 (bit 7: bounds follow, bit 6: a checksum ends the row)
//            · [zigzag min, varint max − min] · the constant, or the bytes of its numbers in the section of columns, in order
//            · [CRC-32C of these bytes 4], so that one column can be read without the others
using System.Buffers.Binary;

namespace Tapline.Record.Index;

/// <summary>The columns of one index.</summary>
internal sealed class ColumnDirectory
{
    public const byte BoundsFollow = 0x80;
    public const byte CrcEnds = 0x40;
    private const int ColumnsMax = 4096;
    private readonly Row?[] _rows = new Row?[ColumnPlan.All.Length];

    /// <summary>The column's row; null = every flow has 0 there.</summary>
    public Row? this[int place] => _rows[place];

    /// <summary>Reads a directory; null when it is not whole.</summary>
    public static ColumnDirectory? TryRead(ReadOnlySpan<byte> source, long columnsBytes)
    {
        if (!Varint.TryRead(ref source, ColumnsMax, out int count))
        {
            return null;
        }

        var directory = new ColumnDirectory();
        long offset = 0;
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, ushort.MaxValue, out int number) || source.IsEmpty)
            {
                return null;
            }

            var coding = (ColumnCoding)(source[0] & ~(BoundsFollow | CrcEnds));
            var hasBounds = (source[0] & BoundsFollow) != 0;
            var hasCrc = (source[0] & CrcEnds) != 0;
            source = source[1..];
            ulong min = 0;
            ulong span = 0;
            if ((hasBounds && !(Varint.TryRead(ref source, out min) && Varint.TryRead(ref source, out span)))
                || !Varint.TryRead(ref source, out var value))
            {
                return null;
            }

            uint? crc = null;
            if (hasCrc)
            {
                if (!BinaryPrimitives.TryReadUInt32LittleEndian(source, out var said))
                {
                    return null;
                }

                crc = said;
                source = source[sizeof(uint)..];
            }

            var bytes = coding == ColumnCoding.Constant ? 0 : value;
            if (bytes > (ulong)(columnsBytes - offset))
            {
                return null;
            }

            var lowest = hasBounds ? Varint.Unfold(min) : (long)value;
            var row = new Row(coding, (int)offset, (int)bytes, value, new IndexZone(lowest, lowest + (long)span), crc);
            offset += (long)bytes;
            var place = ColumnPlan.PlaceOf((ushort)number);
            if (place >= 0)
            {
                directory._rows[place] = row;
            }
        }

        return source.IsEmpty && offset == columnsBytes ? directory : null;
    }

    /// <summary>One column of the file.</summary>
    /// <param name="Coding">How its numbers stand there.</param>
    /// <param name="Offset">Where, in the section of columns.</param>
    /// <param name="Bytes">How many bytes of it.</param>
    /// <param name="Constant">The number that all flows have, where the coding says so.</param>
    /// <param name="Zone">Bounds of the values.</param>
    /// <param name="Crc">CRC-32C of its bytes; null = only the section has one.</param>
    public sealed record Row(ColumnCoding Coding, int Offset, int Bytes, ulong Constant, IndexZone Zone, uint? Crc);
}
