// The blocks of a finished segment that describe its interfaces and machines, by the places that its end names: read without walking
// the file, for segments of which no packet is read, and before names are judged. In: a file, hostile: what is not exactly
// such a block at each place gives none at all, and the segment is read the long way. Any thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record.Container;

namespace Tapline.Record.Extract;

/// <summary>Reads descriptions.</summary>
internal static class SegmentDescriptions
{
    private const int FirstBytes = 16 << 10;
    private const int PlacesMax = 4096;

    /// <summary>The blocks in the order of the file; null where they can't be had this way.</summary>
    public static IReadOnlyList<byte[]>? TryRead(ExtractSegment segment)
    {
        if (segment.End?.Places is not { Length: <= PlacesMax } places)
        {
            return null;
        }

        if (segment.Summary?.Descriptions(places.Length) is { } summarised)
        {
            return summarised;
        }

        try
        {
            using var file = SegmentInput.Open(segment.Path);
            var first = new byte[FirstBytes];
            var got = file.Read(first, 0);
            var blocks = new List<byte[]>(places.Length);
            foreach (var place in places)
            {
                if (TryRead(file, first.AsSpan(0, got), place) is not { } block)
                {
                    return null;
                }

                blocks.Add(block);
            }

            return blocks;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>True for a list of machines.</summary>
    public static bool IsMachines(byte[] block) => BinaryPrimitives.ReadUInt32LittleEndian(block) == MachinesBlock.Type;

    /// <summary>True for one whole block of either kind.</summary>
    public static bool IsDescription(ReadOnlySpan<byte> block) =>
        BinaryPrimitives.ReadUInt32LittleEndian(block) is PcapngWriter.InterfaceDescription or MachinesBlock.Type
        && block.Length is >= PcapngWriter.BlockFrameBytes and <= MachinesBlock.BytesMax && block.Length % 4 == 0
        && BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) == block.Length
        && BinaryPrimitives.ReadUInt32LittleEndian(block[^4..]) == block.Length;

    private static byte[]? TryRead(SegmentInput file, ReadOnlySpan<byte> first, long place)
    {
        Span<byte> head = stackalloc byte[8];
        if (!TryCopy(file, first, head, place))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
        if (length is < PcapngWriter.BlockFrameBytes or > MachinesBlock.BytesMax)
        {
            return null;
        }

        var block = new byte[length];
        return TryCopy(file, first, block, place) && IsDescription(block) ? block : null;
    }

    private static bool TryCopy(SegmentInput file, ReadOnlySpan<byte> first, Span<byte> target, long offset)
    {
        if (offset + target.Length <= first.Length)
        {
            first.Slice((int)offset, target.Length).CopyTo(target);
            return true;
        }

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
