// Bytes on their way into a container: header, blocks, table, trailer, each composed in memory of the caller's. Nothing is ever
// written twice: a block that was handed out stays as it is, whatever becomes of the disk, so that no nonce is used for other
// bytes. One thread; allocates at Begin only (a cipher), and where the table grows beyond what a segment usually has.
using System.Security.Cryptography;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>Composes one container after the other. One thread.</summary>
internal sealed class ContainerEncoder(SegmentCompression compression, SegmentKey? key) : IDisposable
{
    /// <summary>Room that a block needs at most.</summary>
    public const int BlockRoom = BlockHeader.Bytes + BlockHeader.PlainBytesMax;

    private const int RowsUsual = 1 << 13; // a segment of 256 MiB has 4096 full blocks, and one more for each flush
    private const int RowsPerBlock = BlockHeader.PlainBytesMax / ContainerRow.Bytes;
    private readonly Lz4Encoder? _lz4 = compression == SegmentCompression.Lz4 ? new Lz4Encoder() : null;
    private readonly byte[] _tableBytes = new byte[BlockHeader.PlainBytesMax];
    private ContainerRow[] _rows = new ContainerRow[RowsUsual];
    private AesGcm? _cipher;
    private ulong _session;
    private int _count;
    private int _tableBlocks;
    private int _tableRow;
    private long _tableOffset;

    /// <summary>Bytes of content so far.</summary>
    public long LogicalBytes { get; private set; }

    /// <summary>Bytes of the file so far.</summary>
    public long FileBytes { get; private set; }

    /// <summary>Table and trailer have been handed out.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Begins a new container; bytes of its header.</summary>
    public int Begin(Span<byte> target)
    {
        ContainerHeader.Write(target, key);
        Restart(target);
        FileBytes = ContainerHeader.Bytes;
        return ContainerHeader.Bytes;
    }

    /// <summary>Goes on with a container that was left: its blocks stay, and what is added counts from <paramref name="logicalEnd"/> on,
    /// also where the last of them reaches beyond.</summary>
    public void Resume(ReadOnlySpan<byte> header, ReadOnlySpan<ContainerRow> rows, long logicalEnd, long fileEnd)
    {
        Restart(header);
        _rows = rows.Length > _rows.Length ? new ContainerRow[rows.Length + 1] : _rows;
        rows.CopyTo(_rows);
        _count = rows.Length;
        LogicalBytes = logicalEnd;
        FileBytes = fileEnd;
    }

    /// <summary>Adds the next bytes as a block; its length in the file.</summary>
    /// <param name="plain">At most <see cref="BlockHeader.PlainBytesMax"/>, not none.</param>
    /// <param name="target">At least <see cref="BlockRoom"/>.</param>
    public int AddBlock(ReadOnlySpan<byte> plain, Span<byte> target)
    {
        Invariant.Check(_tableBlocks == 0 && !IsFinished);
        if (_count == _rows.Length)
        {
            Array.Resize(ref _rows, 2 * _rows.Length);
        }

        _rows[_count] = new ContainerRow(FileBytes, LogicalBytes);
        var bytes = Write(plain, (uint)_count, isTable: false, target);
        _count++;
        LogicalBytes += plain.Length;
        return bytes;
    }

    /// <summary>Adds as much of the table and the trailer as there is room for; again until <see cref="IsFinished"/>.</summary>
    /// <param name="target">At least <see cref="BlockRoom"/>.</param>
    public int Finish(Span<byte> target)
    {
        _tableOffset = _tableBlocks == 0 ? FileBytes : _tableOffset;
        var written = 0;
        while (_tableRow < _count)
        {
            if (target.Length - written < BlockRoom)
            {
                return written;
            }

            var rows = Math.Min(RowsPerBlock, _count - _tableRow);
            for (var i = 0; i < rows; i++)
            {
                _rows[_tableRow + i].Write(_tableBytes.AsSpan(i * ContainerRow.Bytes));
            }

            written += Write(
                _tableBytes.AsSpan(0, rows * ContainerRow.Bytes), (uint)(_count + _tableBlocks), isTable: true, target[written..]);
            _tableRow += rows;
            _tableBlocks++;
        }

        if (target.Length - written < ContainerTrailer.Bytes)
        {
            return written;
        }

        new ContainerTrailer(_tableOffset, LogicalBytes, (uint)_count).Write(target[written..]);
        FileBytes += ContainerTrailer.Bytes;
        IsFinished = true;
        return written + ContainerTrailer.Bytes;
    }

    public void Dispose() => _cipher?.Dispose();

    private void Restart(ReadOnlySpan<byte> header)
    {
        _cipher?.Dispose();
        _cipher = key is null ? null : ContainerHeader.Cipher(header, key);
        Span<byte> session = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(session);
        _session = BitConverter.ToUInt64(session);
        _count = _tableBlocks = _tableRow = 0;
        LogicalBytes = 0;
        FileBytes = 0;
        IsFinished = false;
    }

    private int Write(ReadOnlySpan<byte> plain, uint number, bool isTable, Span<byte> target)
    {
        Invariant.Check(plain.Length is > 0 and <= BlockHeader.PlainBytesMax && target.Length >= BlockRoom);
        var body = target[BlockHeader.Bytes..];
        var stored = _lz4?.Encode(plain, body[..(plain.Length - 1)]) ?? 0;
        var header = new BlockHeader
        {
            Number = number,
            LogicalOffset = LogicalBytes,
            PlainBytes = plain.Length,
            StoredBytes = stored > 0 ? stored : plain.Length,
            IsCompressed = stored > 0,
            IsTable = isTable,
            Session = _session,
        };
        body = body[..header.StoredBytes];
        if (stored == 0)
        {
            plain.CopyTo(body);
        }

        var tag = target.Slice(BlockHeader.TagOffset, BlockHeader.TagBytes);
        tag.Clear();
        header.Write(target);
        if (_cipher is not null)
        {
            Span<byte> nonce = stackalloc byte[BlockHeader.NonceBytes];
            BlockHeader.Nonce(target, nonce);
            _cipher.Encrypt(nonce, body, body, tag, target[..BlockHeader.AuthenticatedBytes]);
        }

        header.StoredCrc = Crc32C.Compute(body);
        header.Write(target);
        FileBytes += BlockHeader.Bytes + header.StoredBytes;
        return BlockHeader.Bytes + header.StoredBytes;
    }
}
