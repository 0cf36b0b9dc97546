// Numbers of a column out of hostile bytes. Every length is checked before it is believed; what does not fit is refused as
// a whole. Pure; the caller owns source and target.
using System.Buffers.Binary;

namespace Tapline.Record.Index;

/// <summary>Decodes columns as stored, before rules are applied.</summary>
internal static class ColumnDecoder
{
    public const int GroupFlows = 64;
    private const int NarrowBits = 57;

    /// <summary>Fills <paramref name="target"/>; false when the bytes are not exactly such a column.</summary>
    public static bool TryDecode(ColumnCoding coding, ReadOnlySpan<byte> source, Span<ulong> target) => coding switch
    {
        ColumnCoding.Packed => TryUnpack(source, target),
        ColumnCoding.Varints => TryReadVarints(source, target),
        ColumnCoding.Sparse => TryReadSparse(source, target),
        ColumnCoding.Dictionary => TryReadDictionary(source, target),
        _ => false,
    };

    /// <summary>Bytes of a group whose numbers take <paramref name="width"/> bits each, its first byte not counted.</summary>
    public static int GroupBytes(int flows, int width) => ((flows * width) + 7) / 8;

    private static bool TryReadVarints(ReadOnlySpan<byte> source, Span<ulong> target) =>
        TryReadEach(ref source, target) && source.IsEmpty;

    private static bool TryReadSparse(ReadOnlySpan<byte> source, Span<ulong> target)
    {
        target.Clear();
        if (!Varint.TryRead(ref source, target.Length, out int count))
        {
            return false;
        }

        var at = 0;
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, target.Length, out int passed) || passed >= target.Length - at
                || !Varint.TryRead(ref source, out target[at + passed]))
            {
                return false;
            }

            at += passed + 1;
        }

        return source.IsEmpty;
    }

    private static bool TryReadDictionary(ReadOnlySpan<byte> source, Span<ulong> target)
    {
        Span<ulong> entries = stackalloc ulong[ColumnDictionary.EntriesMax];
        if (!Varint.TryRead(ref source, ColumnDictionary.EntriesMax, out int count))
        {
            return false;
        }

        entries = entries[..count];
        if (!TryReadEach(ref source, entries) || !TryUnpack(source, target))
        {
            return false;
        }

        foreach (ref var value in target)
        {
            if (value >= (ulong)count)
            {
                return false;
            }

            value = entries[(int)value];
        }

        return true;
    }

    private static bool TryReadEach(ref ReadOnlySpan<byte> source, scoped Span<ulong> target)
    {
        foreach (ref var value in target)
        {
            if (!Varint.TryRead(ref source, out value))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryUnpack(ReadOnlySpan<byte> source, Span<ulong> target)
    {
        while (!target.IsEmpty)
        {
            var group = target[..Math.Min(GroupFlows, target.Length)];
            target = target[group.Length..];
            if (source.IsEmpty || source[0] > 64)
            {
                return false;
            }

            int width = source[0];
            var bytes = GroupBytes(group.Length, width);
            if (source.Length - 1 < bytes)
            {
                return false;
            }

            Unpack(source.Slice(1, bytes), width, group);
            source = source[(1 + bytes)..];
        }

        return source.IsEmpty;
    }

    private static void Unpack(ReadOnlySpan<byte> bits, int width, Span<ulong> group)
    {
        if (width == 0)
        {
            group.Clear();
            return;
        }

        var mask = width == 64 ? ulong.MaxValue : (1UL << width) - 1;
        var at = 0;
        if (width <= NarrowBits)
        {
            // Eight bytes hold such a number wherever it begins.
            var whole = bits.Length < sizeof(ulong) ? 0 : Math.Min((((bits.Length - sizeof(ulong)) * 8) / width) + 1, group.Length);
            foreach (ref var value in group[..whole])
            {
                value = (BinaryPrimitives.ReadUInt64LittleEndian(bits[(at >> 3)..]) >> (at & 7)) & mask;
                at += width;
            }

            group = group[whole..];
        }

        foreach (ref var value in group)
        {
            // Up to nine bytes hold a number that does not begin with a byte.
            var (start, shift) = (at >> 3, at & 7);
            at += width;
            if (start + sizeof(ulong) + 1 <= bits.Length)
            {
                value = BinaryPrimitives.ReadUInt64LittleEndian(bits[start..]) >> shift;
                value |= shift == 0 ? 0 : (ulong)bits[start + sizeof(ulong)] << (64 - shift);
                value &= mask;
                continue;
            }

            UInt128 window = 0;
            for (var i = 0; start + i < bits.Length && i <= sizeof(ulong); i++)
            {
                window |= (UInt128)bits[start + i] << (8 * i);
            }

            value = (ulong)(window >> shift) & mask;
        }
    }
}
