// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): a keyed function for short inputs that
// nobody without the key can tell from chance. Checked against the vectors of its paper. Pure; allocates nothing.
using System.Buffers.Binary;
using System.Numerics;

namespace Tapline.Mirror.Shape;

/// <summary>SipHash-2-4.</summary>
internal static class SipHash
{
    /// <summary>The 64-bit value of the data under a key of 16 bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> key, ReadOnlySpan<byte> data)
    {
        var k0 = BinaryPrimitives.ReadUInt64LittleEndian(key);
        var k1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);
        var v0 = k0 ^ 0x736F_6D65_7073_6575;
        var v1 = k1 ^ 0x646F_7261_6E64_6F6D;
        var v2 = k0 ^ 0x6C79_6765_6E65_7261;
        var v3 = k1 ^ 0x7465_6462_7974_6573;
        var last = (ulong)data.Length << 56;
        for (; data.Length >= 8; data = data[8..])
        {
            Compress(ref v0, ref v1, ref v2, ref v3, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        for (var i = 0; i < data.Length; i++)
        {
            last |= (ulong)data[i] << (8 * i);
        }

        Compress(ref v0, ref v1, ref v2, ref v3, last);
        v2 ^= 0xFF;
        for (var i = 0; i < 4; i++)
        {
            Round(ref v0, ref v1, ref v2, ref v3);
        }

        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Compress(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, ulong word)
    {
        v3 ^= word;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
    }
}
