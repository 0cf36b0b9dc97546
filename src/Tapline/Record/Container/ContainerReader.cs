// The content of a container at any offset. In: a file, hostile until its checksums or tags hold, finished or being written (then
// up to its last whole block, and further when there is more). Out: bytes as they were recorded. A block is decoded once while
// neighbours of it are asked for: the last two are kept. Memory: about 200 KiB and 16 bytes a block. One thread; owns the file.
//
// What is wrong with the file as a whole shows when it is opened, what is wrong with a block when it is read; both as
// ContainerException. Bytes that belong to no sound block are never given.
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>Reads one container. One thread; owns the file.</summary>
internal sealed class ContainerReader : IDisposable
{
    private const int KeptBlocks = 2;

    private readonly SafeFileHandle _file;
    private readonly byte[] _head;
    private readonly ContainerBlocks _blocks;
    private readonly byte[] _stored = new byte[ContainerEncoder.BlockRoom];
    private readonly byte[][] _kept = new byte[KeptBlocks][];
    private readonly int[] _keptNumbers = [-1, -1];
    private readonly AesGcm? _cipher;
    private int _oldest;

    private ContainerReader(SafeFileHandle file, byte[] head, SegmentKey? key)
    {
        _file = file;
        _head = head;
        Key = key;
        _cipher = key is null ? null : ContainerHeader.Cipher(head, key);
        _blocks = new ContainerBlocks(file);
    }

    /// <summary>Length of the content as far as it is known to be whole.</summary>
    public long Length => _blocks.LogicalBytes;

    /// <summary>It has its table: nothing more comes.</summary>
    public bool IsFinished => _blocks.IsFinished;

    public bool IsEncrypted => _cipher is not null;

    /// <summary>The key that it is encrypted with; null = it is not.</summary>
    public SegmentKey? Key { get; }

    /// <summary>The header as it stands in the file.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>Where its blocks are.</summary>
    public ContainerBlocks Blocks => _blocks;

    /// <summary>Opens a container. Throws <see cref="ContainerException"/>.</summary>
    /// <param name="file">The file; owned by the reader from here on, if it opens.</param>
    /// <param name="path">Where it is, for its key.</param>
    /// <param name="head">Its first bytes.</param>
    public static ContainerReader Open(SafeFileHandle file, string path, ReadOnlySpan<byte> head)
    {
        if (!ContainerHeader.TryParse(head, out var header, out var fault))
        {
            throw new ContainerException(fault);
        }

        var key = header.IsEncrypted ? KeyRing.Find(header.KeyId, path) : null;
        var reader = new ContainerReader(file, head[..ContainerHeader.Bytes].ToArray(), key);
        reader.FindBlocks();
        return reader;
    }

    /// <summary>Reads content from an offset: some bytes, 0 at the end. Throws <see cref="ContainerException"/> where the very first of
    /// them can't be had.</summary>
    public int Read(Span<byte> target, long offset)
    {
        var done = 0;
        while (done < target.Length && (offset + done < Length || _blocks.TryGrow()))
        {
            if (offset + done >= Length)
            {
                continue; // grown, but not so far
            }

            var number = _blocks.Find(offset + done);
            var at = (int)(offset + done - _blocks.Rows[number].LogicalOffset);
            var bytes = _blocks.LengthOf(number);
            var rest = target[done..];
            string? fault = null;
            if (at == 0 && rest.Length >= BlockHeader.PlainBytesMax && !_keptNumbers.Contains(number))
            {
                // A whole block goes where it is wanted.
                fault = Decode(number, rest);
                done += fault is null ? bytes : 0;
            }
            else if (Keep(number, out fault) is { } kept)
            {
                bytes = Math.Min(bytes - at, rest.Length);
                kept.AsSpan(at, bytes).CopyTo(rest);
                done += bytes;
            }

            if (fault is not null)
            {
                return done > 0 ? done : throw new ContainerException(fault);
            }
        }

        return done;
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        _file.Dispose();
    }

    // A table that is not sound, or not there yet, is done without: the blocks say themselves where they belong.
    private void FindBlocks()
    {
        if (!_blocks.TryFindTable(out var trailer) || !TryReadTable(trailer))
        {
            _blocks.Clear();
            _ = _blocks.TryGrow();
        }
    }

    private bool TryReadTable(in ContainerTrailer trailer)
    {
        var offset = trailer.TableOffset;
        for (var number = trailer.Blocks; _blocks.Rows.Length < trailer.Blocks; number++)
        {
            var room = (int)Math.Clamp(_blocks.FileBytes - offset, 0, ContainerEncoder.BlockRoom);
            if (Decode(offset, room, number, trailer.LogicalBytes, isTable: true, TableBuffer, out var header) is not null
                || !_blocks.TryAddRows(TableBuffer.AsSpan(0, header.PlainBytes), trailer))
            {
                return false;
            }

            offset += BlockHeader.Bytes + header.StoredBytes;
        }

        return _blocks.TryClose(trailer, offset, IsEncrypted);
    }

    private byte[] TableBuffer => _kept[0] ??= new byte[BlockHeader.PlainBytesMax];

    // The block out of what is kept, or decoded now; null with a clause where that can't be.
    private byte[]? Keep(int number, out string? fault)
    {
        fault = null;
        for (var i = 0; i < KeptBlocks; i++)
        {
            if (_keptNumbers[i] == number)
            {
                _oldest = KeptBlocks - 1 - i;
                return _kept[i];
            }
        }

        var place = _oldest;
        _oldest = KeptBlocks - 1 - place;
        _keptNumbers[place] = -1;
        var block = _kept[place] ??= new byte[BlockHeader.PlainBytesMax];
        fault = Decode(number, block);
        _keptNumbers[place] = fault is null ? number : -1;
        return fault is null ? block : null;
    }

    private string? Decode(int number, Span<byte> target)
    {
        var row = _blocks.Rows[number];
        var fault = Decode(
            row.FileOffset, (int)(_blocks.FileEndOf(number) - row.FileOffset), (uint)number, row.LogicalOffset, isTable: false, target,
            out var header);
        var isShort = fault is null && header.PlainBytes < _blocks.LengthOf(number);
        return isShort ? Fault(number, row.FileOffset, "is shorter than it should be") : fault;
    }

    // Reads, proves and unpacks a block; a clause where it is not what it should be.
    private string? Decode(
        long offset, int room, uint number, long logicalOffset, bool isTable, Span<byte> target, out BlockHeader header)
    {
        header = default;
        var bytes = _stored.AsSpan(0, Math.Min(room, _stored.Length));
        if (FileReads.Read(_file, bytes, offset) < bytes.Length || !BlockHeader.TryParse(bytes, out header)
            || header.StoredBytes > bytes.Length - BlockHeader.Bytes)
        {
            return Fault(number, offset, "is damaged");
        }

        if (header.Number != number || header.LogicalOffset != logicalOffset || header.IsTable != isTable)
        {
            return Fault(number, offset, "is another one");
        }

        var body = bytes.Slice(BlockHeader.Bytes, header.StoredBytes);
        if (_cipher is not null)
        {
            Span<byte> nonce = stackalloc byte[BlockHeader.NonceBytes];
            BlockHeader.Nonce(bytes, nonce);
            try
            {
                _cipher.Decrypt(
                    nonce, body, bytes.Slice(BlockHeader.TagOffset, BlockHeader.TagBytes), body, bytes[..BlockHeader.AuthenticatedBytes]);
            }
            catch (AuthenticationTagMismatchException)
            {
                return Fault(number, offset, "is not what was recorded: its authentication fails");
            }
        }
        else if (Crc32C.Compute(body) != header.StoredCrc)
        {
            return Fault(number, offset, "is damaged: its checksum fails");
        }

        target = target[..header.PlainBytes];
        if (!header.IsCompressed)
        {
            body.CopyTo(target);
            return null;
        }

        return Lz4Decoder.TryDecode(body, target) ? null : Fault(number, offset, "can't be decompressed");
    }

    private static string Fault(long number, long offset, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"block {number} at byte {offset} of the file {what}");
}
