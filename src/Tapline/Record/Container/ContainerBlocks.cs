// Where a container's blocks are: by its table, or, where it has none because it is being written or was left, by walking from
// header to header. Its writer ends one write before it begins the next, so only the last of them can be torn: the blocks of the
// walk's end must have their checksums. Rows are believed only as far as they are in order and in the file. One thread.
using Microsoft.Win32.SafeHandles;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>The blocks of one container. One thread; borrows the file.</summary>
internal sealed class ContainerBlocks(SafeFileHandle file)
{
    // The largest single write of a container (Record/Io), and a block.
    private const int LastWriteBytes = Limits.RecordBufferBytes + (4 * ContainerEncoder.BlockRoom);
    private const int RowsFirst = 256;
    private readonly byte[] _header = new byte[BlockHeader.Bytes];
    private byte[] _check = [];
    private ContainerRow[] _rows = [];
    private int _count;
    private long _blocksEnd = ContainerHeader.Bytes;

    /// <summary>The blocks of content in order.</summary>
    public ReadOnlySpan<ContainerRow> Rows => _rows.AsSpan(0, _count);

    /// <summary>Length of the content.</summary>
    public long LogicalBytes { get; private set; }

    /// <summary>Length of the file when it was looked at.</summary>
    public long FileBytes { get; private set; } = RandomAccess.GetLength(file);

    /// <summary>Where in the file the blocks of content end.</summary>
    public long BlocksEnd => _blocksEnd;

    /// <summary>Table and trailer are there.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Looks for a trailer.</summary>
    public bool TryFindTable(out ContainerTrailer trailer)
    {
        Span<byte> last = stackalloc byte[ContainerTrailer.Bytes];
        trailer = default;
        return FileBytes >= ContainerHeader.Bytes + ContainerTrailer.Bytes
            && FileReads.Read(file, last, FileBytes - last.Length) == last.Length
            && ContainerTrailer.TryParse(last, out trailer)
            && trailer.TableOffset >= ContainerHeader.Bytes && trailer.TableOffset <= FileBytes - last.Length
            && trailer.LogicalBytes >= 0 && trailer.Blocks <= (trailer.TableOffset - ContainerHeader.Bytes) / BlockHeader.Bytes;
    }

    /// <summary>Takes rows of a table; false when they are not in order or not in the file.</summary>
    public bool TryAddRows(ReadOnlySpan<byte> table, in ContainerTrailer trailer)
    {
        for (; table.Length >= ContainerRow.Bytes; table = table[ContainerRow.Bytes..])
        {
            var row = ContainerRow.Read(table);
            var isSound = _count < trailer.Blocks && row.LogicalOffset <= trailer.LogicalBytes
                && row.FileOffset <= trailer.TableOffset - BlockHeader.Bytes
                && (_count == 0
                    ? row == new ContainerRow(ContainerHeader.Bytes, 0)
                    : IsNext(_rows[_count - 1], row.FileOffset, row.LogicalOffset));
            if (!isSound)
            {
                return false;
            }

            Add(row);
        }

        return table.IsEmpty;
    }

    /// <summary>All rows were taken; false when they do not reach to the ends that the trailer names.</summary>
    public bool TryClose(in ContainerTrailer trailer, long tableEnd, bool isEncrypted)
    {
        _blocksEnd = trailer.TableOffset;
        LogicalBytes = trailer.LogicalBytes;
        IsFinished = tableEnd == FileBytes - ContainerTrailer.Bytes
            && (_count == 0 ? LogicalBytes == 0 && !isEncrypted : IsNext(_rows[_count - 1], _blocksEnd, LogicalBytes));
        return IsFinished;
    }

    /// <summary>Forgets what a table said.</summary>
    public void Clear()
    {
        _count = 0;
        _blocksEnd = ContainerHeader.Bytes;
        LogicalBytes = 0;
        IsFinished = false;
    }

    /// <summary>Looks for further blocks of an unfinished container; true when there are.</summary>
    public bool TryGrow()
    {
        if (IsFinished)
        {
            return false;
        }

        FileBytes = RandomAccess.GetLength(file);
        var before = _count;
        var at = _blocksEnd;
        var logical = LogicalBytes;
        while (FileBytes - at >= BlockHeader.Bytes && FileReads.Read(file, _header, at) == _header.Length
            && BlockHeader.TryParse(_header, out var header) && !header.IsTable && header.Number == (uint)_count
            && header.StoredBytes <= FileBytes - at - BlockHeader.Bytes
            && header.LogicalOffset <= logical && header.LogicalOffset >= (_count == 0 ? 0 : _rows[_count - 1].LogicalOffset))
        {
            Add(new ContainerRow(at, header.LogicalOffset));
            at += BlockHeader.Bytes + header.StoredBytes;
            logical = header.LogicalOffset + header.PlainBytes;
        }

        Cut(Math.Max(before, FirstTorn(before, at)), at, logical);
        return _count > before;
    }

    /// <summary>The block that has the byte at an offset of the content.</summary>
    public int Find(long logicalOffset)
    {
        int low = 0, high = _count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = _rows[middle].LogicalOffset <= logicalOffset ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    /// <summary>Bytes of a block that count.</summary>
    public int LengthOf(int number) =>
        (int)((number + 1 < _count ? _rows[number + 1].LogicalOffset : LogicalBytes) - _rows[number].LogicalOffset);

    /// <summary>Where in the file a block ends.</summary>
    public long FileEndOf(int number) => number + 1 < _count ? _rows[number + 1].FileOffset : _blocksEnd;

    private static bool IsNext(in ContainerRow before, long fileOffset, long logicalOffset) =>
        fileOffset - before.FileOffset is > BlockHeader.Bytes and <= ContainerEncoder.BlockRoom
        && logicalOffset - before.LogicalOffset is >= 0 and <= BlockHeader.PlainBytesMax;

    private void Add(in ContainerRow row)
    {
        if (_count == _rows.Length)
        {
            Array.Resize(ref _rows, Math.Max(RowsFirst, 2 * _rows.Length));
        }

        _rows[_count++] = row;
    }

    // The first block of those that one write may have torn whose bytes are not there; the number of blocks where all are.
    private int FirstTorn(int from, long end)
    {
        for (var number = from; number < _count; number++)
        {
            var offset = _rows[number].FileOffset;
            if (offset < end - LastWriteBytes)
            {
                continue;
            }

            _check = _check.Length == 0 ? new byte[ContainerEncoder.BlockRoom] : _check;
            var bytes = _check.AsSpan(0, (int)((number + 1 < _count ? _rows[number + 1].FileOffset : end) - offset));
            if (FileReads.Read(file, bytes, offset) < bytes.Length || !BlockHeader.TryParse(bytes, out var header)
                || Crc32C.Compute(bytes.Slice(BlockHeader.Bytes, header.StoredBytes)) != header.StoredCrc)
            {
                return number;
            }
        }

        return _count;
    }

    private void Cut(int count, long end, long logicalEnd)
    {
        (_blocksEnd, LogicalBytes) = count == _count ? (end, logicalEnd)
            : (_rows[count].FileOffset, _rows[count].LogicalOffset);
        _count = count;
    }
}
