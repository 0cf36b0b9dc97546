// The other direction of LZ4's block format. In: hostile bytes. Out: exactly as many bytes as the target has, or a refusal;
// nothing is read or written outside the two spans, and a distance that points before the block's start is refused. Pure.
using System.Buffers.Binary;

namespace Tapline.Record.Container;

/// <summary>Decompresses blocks. Any thread.</summary>
internal static class Lz4Decoder
{
    private const int MatchMin = 4;
    private const int NibbleMax = 15;
    private const int Step = 16;

    /// <summary>Fills <paramref name="target"/> from a block; false when the block is not exactly that.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var at = 0;
        var done = 0;
        while (at < source.Length)
        {
            int token = source[at++];
            var literals = token >> 4;
            if (literals == NibbleMax && !TryReadLength(source, ref at, ref literals))
            {
                return false;
            }

            if (literals > source.Length - at || literals > target.Length - done)
            {
                return false;
            }

            // Copies of a fixed length are two instructions; what they write too much is written over.
            if (literals <= Step && source.Length - at >= Step && target.Length - done >= Step)
            {
                source.Slice(at, Step).CopyTo(target.Slice(done, Step));
            }
            else
            {
                source.Slice(at, literals).CopyTo(target[done..]);
            }

            at += literals;
            done += literals;
            if (at == source.Length)
            {
                return done == target.Length;
            }

            if (source.Length - at < sizeof(ushort))
            {
                return false;
            }

            int distance = BinaryPrimitives.ReadUInt16LittleEndian(source[at..]);
            at += sizeof(ushort);
            var length = token & NibbleMax;
            if ((length == NibbleMax && !TryReadLength(source, ref at, ref length))
                || distance == 0 || distance > done || length + MatchMin > target.Length - done)
            {
                return false;
            }

            Repeat(target, done, distance, length + MatchMin);
            done += length + MatchMin;
        }

        return false;
    }

    private static void Repeat(Span<byte> target, int done, int distance, int length)
    {
        if (distance >= Step && target.Length - done >= length + Step)
        {
            for (var copied = 0; copied < length; copied += Step)
            {
                target.Slice(done - distance + copied, Step).CopyTo(target.Slice(done + copied, Step));
            }

            return;
        }

        // A match may reach into itself: what it has made already is its source, twice as much each time.
        var start = done - distance;
        while (length > 0)
        {
            var bytes = Math.Min(length, done - start);
            target.Slice(start, bytes).CopyTo(target[done..]);
            done += bytes;
            length -= bytes;
        }
    }

    // Bytes of 255 and a last one; longer than any block is refused by the caller.
    private static bool TryReadLength(ReadOnlySpan<byte> source, ref int at, ref int length)
    {
        while (at < source.Length)
        {
            int more = source[at++];
            length += more;
            if (more != byte.MaxValue)
            {
                return true;
            }
        }

        return false;
    }
}
