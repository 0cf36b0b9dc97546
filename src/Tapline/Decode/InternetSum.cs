// The Internet checksum's sum (RFC 1071) over long spans: the mirror touches every payload byte for this, so it runs
// on vectors. The one's complement sum does not care about byte order, so words are added as the machine loads them
// and swapped once at the end (RFC 1071 section 2 B). Pure; borrows the span for the call.
using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Tapline.Decode;

/// <summary>One's complement sums of 16-bit big-endian words.</summary>
public static class InternetSum
{
    /// <summary>
    /// The folded sum of <paramref name="data"/>; an odd last byte counts as the high half of a word.
    /// </summary>
    public static uint Of(ReadOnlySpan<byte> data)
    {
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated && data.Length >= 64)
        {
            sum = Vectors(ref data);
        }

        while (data.Length >= 8)
        {
            sum = AddWithCarry(sum, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }

        // The last 1 to 7 bytes as if zeros followed them.
        ulong tail = 0;
        for (var i = 0; i < data.Length; i++)
        {
            tail |= (ulong)data[i] << (8 * i);
        }

        sum = AddWithCarry(sum, tail);
        return BinaryPrimitives.ReverseEndianness(Fold(sum));
    }

    /// <summary>Adds two folded sums.</summary>
    public static uint Add(uint left, uint right)
    {
        var sum = left + right;
        return (sum & 0xffff) + (sum >> 16);
    }

    /// <summary>The checksum that makes a range sum to all ones.</summary>
    public static ushort Complement(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static ulong Vectors(ref ReadOnlySpan<byte> data)
    {
        // Each 64-bit lane takes two 32-bit numbers a step: no lane can overflow below 2^31 steps.
        var first = Vector256<ulong>.Zero;
        var second = Vector256<ulong>.Zero;
        while (data.Length >= 32)
        {
            var words = Vector256.Create<byte>(data).AsUInt32();
            first += Vector256.WidenLower(words);
            second += Vector256.WidenUpper(words);
            data = data[32..];
        }

        first += second;
        var low = AddWithCarry(first[0], first[1]);
        return AddWithCarry(low, AddWithCarry(first[2], first[3]));
    }

    private static ulong AddWithCarry(ulong left, ulong right)
    {
        var sum = left + right;
        return sum + (sum < left ? 1ul : 0ul);
    }

    private static ushort Fold(ulong sum)
    {
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
