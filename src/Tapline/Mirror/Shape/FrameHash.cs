// Two 64-bit hashes of a byte string at once, under a secret: products of 64-bit words folded to 64 bits, as in wyhash,
// twice with unrelated constants. Fast (two multiplications for each 16 bytes) rather than cryptographic: the secret
// keeps outsiders from making two frames that look alike. Pure.
using System.Buffers.Binary;

namespace Tapline.Mirror.Shape;

/// <summary>A running pair of hashes.</summary>
internal struct FrameHash(ulong seed)
{
    private const ulong A = 0xA076_1D64_78BD_642F;
    private const ulong B = 0xE703_7ED1_A0B4_28DB;
    private const ulong C = 0x8EBC_6AF0_9C88_C6E3;
    private const ulong D = 0x5899_65CC_7537_4CC3;

    private readonly ulong _keyA = Fold(seed ^ A, B);
    private readonly ulong _keyB = Fold(seed ^ B, C);
    private ulong _first = Fold(seed ^ C, D);
    private ulong _second = Fold(seed ^ D, A);

    /// <summary>The first hash, never 0.</summary>
    public readonly ulong First => Fold(_first ^ _keyA, _second ^ D) | 1;

    /// <summary>The second hash.</summary>
    public readonly ulong Second => Fold(_second ^ _keyB, _first ^ C);

    public void Add(ulong value) => Mix(value, B);

    public void Add(ReadOnlySpan<byte> data)
    {
        var length = (ulong)data.Length;
        while (data.Length >= 16)
        {
            Mix(BinaryPrimitives.ReadUInt64LittleEndian(data), BinaryPrimitives.ReadUInt64LittleEndian(data[8..]));
            data = data[16..];
        }

        Span<byte> tail = stackalloc byte[16];
        tail.Clear();
        data.CopyTo(tail);
        Mix(BinaryPrimitives.ReadUInt64LittleEndian(tail), BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]) ^ length << 56);
        Mix(length, A);
    }

    private void Mix(ulong low, ulong high)
    {
        // The sum keeps what a product with zero would forget.
        _first = Fold(low ^ _keyA ^ _first, high ^ C) + low;
        _second = Fold(high ^ _keyB ^ _second, low ^ D) + high;
    }

    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out ulong low);
        return high ^ low;
    }
}
