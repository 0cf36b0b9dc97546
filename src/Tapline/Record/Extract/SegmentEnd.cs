// The ledger at the end of a segment by one small read, without walking the file. What is there is hostile until the
// ledger's own checksum holds.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record.Container;

namespace Tapline.Record.Extract;

/// <summary>What a segment says of its own completeness.</summary>
/// <param name="StartNs">Start of its window; meaningless when recovered.</param>
/// <param name="EndNs">Its end.</param>
/// <param name="IsRecovered">Its true end was lost: what it lacks is not known.</param>
/// <param name="Rows">One for each point.</param>
/// <param name="Places">Where interfaces and machines are described; null = the file has to be walked for them.</param>
internal sealed record SegmentEnd(long StartNs, long EndNs, bool IsRecovered, LedgerBlockRow[] Rows, long[]? Places)
{
    private const int BlockBytesMax = 1 << 20;
    private const int TailBytes = 8 << 10;

    /// <summary>Length of the segment's content.</summary>
    public long SegmentBytes { get; init; }

    /// <summary>Reads it; null when the file does not end with a ledger. Throws <see cref="ContainerException"/> for a container that
    /// can't be opened.</summary>
    public static SegmentEnd? TryRead(string path)
    {
        using var file = SegmentInput.Open(path);
        var length = file.Length;
        var tail = new byte[Math.Min(length, TailBytes)];
        return TryRead(file, tail, length - tail.Length) && LastBlock(file, tail, length, length) is { } block
            ? TryParse(block, LastBlock(file, tail, length, length - block.Length), length) : null;
    }

    /// <summary>From the last two blocks of a segment; null where the last one is no ledger.</summary>
    /// <param name="ledger">The last block.</param>
    /// <param name="places">The one before.</param>
    /// <param name="segmentBytes">Length of the segment's content.</param>
    public static SegmentEnd? TryParse(ReadOnlySpan<byte> ledger, ReadOnlySpan<byte> places, long segmentBytes) =>
        BinaryPrimitives.ReadUInt32LittleEndian(ledger) == LedgerBlock.Type
            && LedgerBlock.TryRead(ledger[8..^4], out var rows, out var flags, out var start, out var end)
                ? new SegmentEnd(start, end, (flags & LedgerBlock.RecoveredFlag) != 0, rows, PlacesBlock.TryRead(places))
                {
                    SegmentBytes = segmentBytes,
                }
                : null;

    // The block that ends here; null when none of a size that one of ours has. Both blocks lie in the tail, but of segments with
    // very many interfaces.
    private static byte[]? LastBlock(SegmentInput file, ReadOnlySpan<byte> tail, long length, long end)
    {
        Span<byte> size = stackalloc byte[4];
        if (end < PcapngWriter.BlockFrameBytes || !TryTake(file, tail, length, size, end - 4))
        {
            return null;
        }

        var bytes = BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (bytes < PcapngWriter.BlockFrameBytes || bytes > Math.Min(end, BlockBytesMax))
        {
            return null;
        }

        var block = new byte[bytes];
        return TryTake(file, tail, length, block, end - bytes) ? block : null;
    }

    private static bool TryTake(SegmentInput file, ReadOnlySpan<byte> tail, long length, Span<byte> target, long offset)
    {
        var inTail = offset - (length - tail.Length);
        if (inTail < 0)
        {
            return TryRead(file, target, offset);
        }

        tail.Slice((int)inTail, target.Length).CopyTo(target);
        return true;
    }

    private static bool TryRead(SegmentInput file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            var read = file.Read(target, offset);
            if (read == 0)
            {
                return false;
            }

            target = target[read..];
            offset += read;
        }

        return true;
    }
}
