// LZ4 block format (lz4_Block_format.md of the LZ4 project), the fast way: one probe of a hash table for each place, longer steps
// where nothing repeats. In: at most 64 KiB, so that a place fits into 16 bits and every distance is one that the format can
// say. Out: one block, or nothing where it would not be smaller. Pure but for its table; owned by one thread; no allocation.
using System.Buffers.Binary;
using System.Numerics;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>Compresses blocks. One thread.</summary>
internal sealed class Lz4Encoder
{
    /// <summary>The largest block, in bytes.</summary>
    public const int BlockBytesMax = 1 << 16;

    private const int HashBits = 13; // a table of 16 KiB stays in the first-level cache
    private const int MatchMin = 4;
    private const int LastLiterals = 5; // a block ends with so many literals at least,
    private const int LastMatch = 12; // and its last match begins so long before the end
    private const int PatienceBits = 6; // probes without a match before steps grow
    private const int NibbleMax = 15;
    private readonly ushort[] _places = new ushort[1 << HashBits];

    /// <summary>Compresses a block; its length, 0 = it does not fit into <paramref name="target"/>.</summary>
    /// <param name="source">What is to be compressed, at most <see cref="BlockBytesMax"/>.</param>
    /// <param name="target">Where it goes; as long as it may become.</param>
    public int Encode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        Invariant.Check(source.Length <= BlockBytesMax);
        var places = _places.AsSpan();
        places.Clear();
        var written = 0;
        var anchor = 0;
        var at = 1;
        var last = source.Length - LastMatch;
        while (TryFind(source, places, last, ref at, out var candidate))
        {
            while (at > anchor && candidate > 0 && source[at - 1] == source[candidate - 1])
            {
                at--;
                candidate--;
            }

            var length = MatchMin + Common(source, candidate + MatchMin, at + MatchMin, source.Length - LastLiterals);
            if (!TryWrite(source[anchor..at], at - candidate, length, target, ref written))
            {
                return 0;
            }

            at += length;
            anchor = at;
            if (at > last)
            {
                break;
            }

            places[Hash(Read(source, at - 2))] = (ushort)(at - 2);
        }

        return TryWriteLast(source[anchor..], target, ref written) ? written : 0;
    }

    // The next place that repeats an earlier one.
    private static bool TryFind(ReadOnlySpan<byte> source, Span<ushort> places, int last, ref int at, out int candidate)
    {
        var tries = 1 << PatienceBits;
        candidate = 0;
        while (at <= last)
        {
            var sequence = Read(source, at);
            ref var place = ref places[Hash(sequence)];
            candidate = place;
            place = (ushort)at;
            if (candidate < at && Read(source, candidate) == sequence)
            {
                return true;
            }

            at += tries++ >> PatienceBits;
        }

        return false;
    }

    private static uint Read(ReadOnlySpan<byte> source, int at) => BinaryPrimitives.ReadUInt32LittleEndian(source[at..]);

    private static int Hash(uint sequence) => (int)((sequence * 2_654_435_761) >> (32 - HashBits));

    // How many bytes are the same from two places on, up to an end.
    private static int Common(ReadOnlySpan<byte> source, int earlier, int later, int end)
    {
        var start = later;
        while (later + sizeof(ulong) <= end)
        {
            var difference = BinaryPrimitives.ReadUInt64LittleEndian(source[earlier..])
                ^ BinaryPrimitives.ReadUInt64LittleEndian(source[later..]);
            if (difference != 0)
            {
                return later - start + (BitOperations.TrailingZeroCount(difference) >> 3);
            }

            earlier += sizeof(ulong);
            later += sizeof(ulong);
        }

        while (later < end && source[earlier] == source[later])
        {
            earlier++;
            later++;
        }

        return later - start;
    }

    // One sequence: token, literals, distance, length of the match.
    private static bool TryWrite(ReadOnlySpan<byte> literals, int distance, int length, Span<byte> target, ref int written)
    {
        var rest = length - MatchMin;
        var bytes = 1 + LengthBytes(literals.Length) + literals.Length + sizeof(ushort) + LengthBytes(rest);
        if (bytes > target.Length - written)
        {
            return false;
        }

        var at = written;
        target[at++] = (byte)((Math.Min(literals.Length, NibbleMax) << 4) | Math.Min(rest, NibbleMax));
        at = WriteLength(literals.Length, target, at);
        literals.CopyTo(target[at..]);
        at += literals.Length;
        BinaryPrimitives.WriteUInt16LittleEndian(target[at..], (ushort)distance);
        written = WriteLength(rest, target, at + sizeof(ushort));
        return true;
    }

    private static bool TryWriteLast(ReadOnlySpan<byte> literals, Span<byte> target, ref int written)
    {
        if (1 + LengthBytes(literals.Length) + literals.Length > target.Length - written)
        {
            return false;
        }

        target[written] = (byte)(Math.Min(literals.Length, NibbleMax) << 4);
        written = WriteLength(literals.Length, target, written + 1);
        literals.CopyTo(target[written..]);
        written += literals.Length;
        return true;
    }

    // Bytes that a length takes beyond its nibble.
    private static int LengthBytes(int length) => length < NibbleMax ? 0 : 1 + ((length - NibbleMax) / byte.MaxValue);

    private static int WriteLength(int length, Span<byte> target, int at)
    {
        if (length < NibbleMax)
        {
            return at;
        }

        for (length -= NibbleMax; length >= byte.MaxValue; length -= byte.MaxValue)
        {
            target[at++] = byte.MaxValue;
        }

        target[at++] = (byte)length;
        return at;
    }
}
