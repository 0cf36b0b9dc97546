// Numbers of seven bits a byte, the lowest first, the eighth bit set on all but the last: LEB128, at most ten bytes. Signed
// ones are folded first (zigzag), so that small ones of either sign are short. Reading is for hostile bytes: a number that
// does not end in time, or needs more than 64 bits, is refused.
namespace Tapline.Record.Index;

/// <summary>Variable-length numbers. Pure.</summary>
internal static class Varint
{
    public const int BytesMax = 10;

    /// <summary>Bytes that a number takes.</summary>
    public static int Length(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Writes a number; returns its length.</summary>
    public static int Write(Span<byte> target, ulong value)
    {
        var length = 0;
        while (value >= 0x80)
        {
            target[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[length++] = (byte)value;
        return length;
    }

    /// <summary>Takes a number off the front; false when there is none.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> source, out ulong value)
    {
        if (!source.IsEmpty && source[0] < 0x80)
        {
            value = source[0]; // most are
            source = source[1..];
            return true;
        }

        value = 0;
        for (var i = 0; i < source.Length && i < BytesMax; i++)
        {
            var part = source[i];
            if (i == BytesMax - 1 && part > 1)
            {
                return false;
            }

            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part < 0x80)
            {
                source = source[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    /// <summary>As <see cref="TryRead(ref ReadOnlySpan{byte}, out ulong)"/> for a count or a length: at most
    /// <paramref name="max"/>.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> source, int max, out int value)
    {
        var isRead = TryRead(ref source, out var wide) && wide <= (uint)max;
        value = isRead ? (int)wide : 0;
        return isRead;
    }

    public static ulong Fold(long value) => (ulong)(value << 1) ^ (ulong)(value >> 63);

    public static long Unfold(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
