// What a summary says of a segment, taken from the segment and its index as they stand on disk: the last two blocks, the blocks that
// describe interfaces and machines, the first bytes of the index. Three small reads and one for each description, into memory
// that is used again. What is not as a recorder writes it gives no row. Nothing is allocated. One thread at a time.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Index;

namespace Tapline.Record.Summary;

/// <summary>Takes digests of segments, one after the other.</summary>
internal sealed class SegmentDigest
{
    private const int TailBytesMax = 64 << 10;
    private const int FirstBytes = 4 << 10;
    private readonly byte[] _end = new byte[TailBytesMax];
    private readonly byte[] _row = new byte[Limits.SummaryRowBytesMax];
    private readonly byte[] _head = new byte[Limits.IndexFirstReadBytes];
    private int _rowBytes;
    private int _headBytes;

    /// <summary>Length of the segment.</summary>
    public long SegmentBytes { get; private set; }

    /// <summary>Length of its last two blocks, which stand behind the row's fixed bytes.</summary>
    public int TailBytes { get; private set; }

    /// <summary>The row, but for its fixed bytes.</summary>
    public Span<byte> Row => _row.AsSpan(0, _rowBytes);

    /// <summary>The head of the index; empty = none.</summary>
    public ReadOnlySpan<byte> Head => _head.AsSpan(0, _headBytes);

    /// <summary>Takes a segment's; false when it does not end as recorders end it, or has too much to describe.</summary>
    /// <param name="path">Its path, terminated.</param>
    public bool TryTakeSegment(ReadOnlySpan<byte> path)
    {
        _headBytes = 0;
        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        if (fd < 0)
        {
            return false;
        }

        SegmentBytes = NativeFile.Length(fd);
        var isTaken = TryTake(fd);
        _ = NativeFile.Close(fd);
        return isTaken;
    }

    /// <summary>Takes the head of its index, where there is one.</summary>
    public void TakeIndex(ReadOnlySpan<byte> path)
    {
        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        if (fd >= 0)
        {
            var got = Math.Max(0, NativeFile.Read(fd, _head, 0));
            _headBytes = IndexHeader.HeadBytes(_head.AsSpan(0, (int)got));
            _ = NativeFile.Close(fd);
        }
    }

    private bool TryTake(int fd)
    {
        var end = _end.AsSpan(0, (int)Math.Clamp(SegmentBytes, 0, _end.Length));
        if (!TryRead(fd, end, SegmentBytes - end.Length))
        {
            return false;
        }

        var ledger = LastBlock(end, LedgerBlock.Type);
        var places = LastBlock(end[..^ledger.Length], PlacesBlock.Type);
        if (ledger.IsEmpty || places.IsEmpty)
        {
            return false;
        }

        TailBytes = places.Length + ledger.Length;
        end[^TailBytes..].CopyTo(_row.AsSpan(SummaryRow.FixedBytes));
        _rowBytes = SummaryRow.FixedBytes + TailBytes;
        for (var number = 0; number < PlacesBlock.Count(places); number++)
        {
            if (!TryDescribe(fd, PlacesBlock.Place(places, number)))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryDescribe(int fd, long place)
    {
        var room = _row.AsSpan(_rowBytes);
        var first = room[..Math.Min(room.Length, FirstBytes)];
        var got = NativeFile.Read(fd, first, place);
        if (got < PcapngWriter.BlockFrameBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(first[4..]);
        if (length < PcapngWriter.BlockFrameBytes || length % 4 != 0 || length > room.Length
            || (length > got && !TryRead(fd, room[(int)got..(int)length], place + got)))
        {
            return false;
        }

        _rowBytes += (int)length;
        return true;
    }

    // The block that ends these bytes; empty when it is not one of this type.
    private static ReadOnlySpan<byte> LastBlock(ReadOnlySpan<byte> bytes, uint type)
    {
        var block = SummaryRow.LastBlock(bytes);
        return !block.IsEmpty && BinaryPrimitives.ReadUInt32LittleEndian(block) == type ? block : [];
    }

    private static bool TryRead(int fd, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            var got = NativeFile.Read(fd, target, offset);
            if (got <= 0)
            {
                return false;
            }

            target = target[(int)got..];
            offset += got;
        }

        return true;
    }
}
