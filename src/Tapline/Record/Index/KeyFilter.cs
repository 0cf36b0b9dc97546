// A blocked Bloom filter over all keys of a segment: one cache line of 512 bits for each key, seven bits of it set. Never
// says no to a key that is there. Size follows the number of keys, about twelve bits each, up to a limit, beyond which it
// says yes more often. Pure; the bytes are the caller's.
using Tapline.Base;

namespace Tapline.Record.Index;

/// <summary>The filter in front of an index.</summary>
internal static class KeyFilter
{
    public const int BlockBytes = 64;
    private const int BitsPerKey = 12;
    private const int Probes = 7;
    private const int ProbeBits = 9;
    private const ulong SecondHash = 0x9e37_79b9_7f4a_7c15;

    /// <summary>Bytes of a filter for so many keys.</summary>
    public static int Bytes(int keys)
    {
        var blocks = (((long)keys * BitsPerKey) + (BlockBytes * 8) - 1) / (BlockBytes * 8);
        return (int)Math.Clamp(blocks, 1, Limits.IndexFilterBytesMax / BlockBytes) * BlockBytes;
    }

    public static void Add(Span<byte> filter, ulong hash)
    {
        var block = filter.Slice(BlockOf(filter.Length, hash), BlockBytes);
        var bits = hash * SecondHash;
        for (var probe = 0; probe < Probes; probe++)
        {
            var bit = (int)(bits & 0x1ff);
            block[bit >> 3] |= (byte)(1 << (bit & 7));
            bits >>= ProbeBits;
        }
    }

    public static bool MayContain(ReadOnlySpan<byte> filter, ulong hash)
    {
        if (filter.Length < BlockBytes)
        {
            return true;
        }

        var block = filter.Slice(BlockOf(filter.Length, hash), BlockBytes);
        var bits = hash * SecondHash;
        for (var probe = 0; probe < Probes; probe++)
        {
            var bit = (int)(bits & 0x1ff);
            if ((block[bit >> 3] & (1 << (bit & 7))) == 0)
            {
                return false;
            }

            bits >>= ProbeBits;
        }

        return true;
    }

    private static int BlockOf(int filterBytes, ulong hash) =>
        (int)(((hash >> 32) * (uint)(filterBytes / BlockBytes)) >> 32) * BlockBytes;
}
