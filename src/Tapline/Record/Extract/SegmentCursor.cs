// Walks a segment block by block, forward, or from any block's offset. In: a file, also one that is being written: it ends
// at its last whole block. Out: one block at a time, borrowed until the next call. Nothing is believed beyond its own
// lengths. Memory: one buffer, which grows to the largest block (16 MiB at most). One thread.
using System.Buffers.Binary;
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Container;

namespace Tapline.Record.Extract;

/// <summary>Reads the blocks of one little-endian pcapng section. One thread; owns the file.</summary>
internal sealed class SegmentCursor : IDisposable
{
    private const int WindowBytes = 512 << 10;
    private const int BlockBytesMax = 16 << 20;
    private const int AheadBytes = 4 << 20;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private readonly SegmentInput _file;
    private byte[] _buffer = new byte[WindowBytes];
    private long _bufferOffset;
    private int _filled;
    private long _readTo = long.MaxValue;
    private long _fetched;
    private int _at;
    private int _length;
    private bool _isBegun;

    private SegmentCursor(SegmentInput file) => _file = file;

    /// <summary>The block that <see cref="TryNext"/> found.</summary>
    public ReadOnlySpan<byte> Block => _buffer.AsSpan(_at, _length);

    /// <summary>Its type.</summary>
    public uint Type => BinaryPrimitives.ReadUInt32LittleEndian(Block);

    /// <summary>Its offset in the file.</summary>
    public long Offset => _bufferOffset + _at;

    /// <summary>Bytes taken from the file so far.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>Why the walk ended before the file did, as a clause; null = it did not.</summary>
    public string? Fault { get; private set; }

    /// <summary>True when the file ends inside a block, as one does that is being written.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>Opens a segment. Throws what opening throws.</summary>
    public static SegmentCursor Open(string path) => new(SegmentInput.Open(path));

    /// <summary>Goes to the next block; false at the end, or where no block can be read any more.</summary>
    public bool TryNext()
    {
        _at += _length;
        _length = 0;
        if (!Has(8))
        {
            IsTorn = _filled > _at;
            return false;
        }

        var type = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_at));
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_at + 4));
        if (type == 0 && length == 0)
        {
            // The unwritten rest of a page of a segment under way.
            IsTorn = true;
            return false;
        }

        if (length < PcapngWriter.BlockFrameBytes || length % 4 != 0 || length > BlockBytesMax)
        {
            return Damaged(string.Create(CultureInfo.InvariantCulture, $"a block that claims {length} bytes"));
        }

        if (!Has((int)length))
        {
            IsTorn = true;
            return false;
        }

        var block = _buffer.AsSpan(_at, (int)length);
        if (BinaryPrimitives.ReadUInt32LittleEndian(block[^4..]) != length)
        {
            return Damaged("a block whose two lengths differ");
        }

        if (type == PcapngWriter.SectionHeader != !_isBegun)
        {
            return Damaged(_isBegun ? "a second section" : "no section header");
        }

        if (!_isBegun && (length < 28 || BinaryPrimitives.ReadUInt32LittleEndian(block[8..]) != ByteOrderMagic))
        {
            return Damaged("a section of another byte order");
        }

        _isBegun = true;
        _length = (int)length;
        return true;
    }

    /// <summary>The next block is the one at this offset; what lies behind <paramref name="readTo"/> is not read ahead.</summary>
    public void Seek(long offset, long readTo = long.MaxValue)
    {
        _isBegun |= offset > 0;
        _readTo = readTo;
        _length = 0;
        (Fault, IsTorn) = (null, false);
        if (offset >= _bufferOffset && offset <= _bufferOffset + _filled)
        {
            _at = (int)(offset - _bufferOffset);
            return;
        }

        _bufferOffset = offset;
        _at = 0;
        _filled = 0;
    }

    /// <summary>A part that will soon be read.</summary>
    public void WillNeed(long offset, long bytes) => _file.WillNeed(offset, bytes);

    /// <summary>What lies behind the block before is read from the file again: it has grown since.</summary>
    public void Refresh()
    {
        _at += _length;
        _length = 0;
        _filled = _at;
        Fault = null;
        IsTorn = false;
    }

    public void Dispose() => _file.Dispose();

    // Brings so many bytes from the current place on into the buffer; false when the file has fewer.
    private bool Has(int bytes)
    {
        if (_filled - _at >= bytes)
        {
            return true;
        }

        var unread = _buffer.AsSpan(_at, _filled - _at);
        var target = bytes > _buffer.Length ? new byte[bytes] : _buffer;
        unread.CopyTo(target);
        _buffer = target;
        _bufferOffset += _at;
        _filled -= _at;
        _at = 0;
        FetchAhead();
        while (_filled < bytes)
        {
            var ahead = (int)Math.Clamp(_readTo - _bufferOffset - _filled, bytes - _filled, _buffer.Length - _filled);
            var read = _file.Read(_buffer.AsSpan(_filled, ahead), _bufferOffset + _filled);
            if (read == 0)
            {
                return false;
            }

            _filled += read;
            ReadBytes += read;
        }

        return true;
    }

    // Of a walk: the kernel fetches what comes next while this is judged.
    private void FetchAhead()
    {
        var at = _bufferOffset + _filled;
        if (_readTo == long.MaxValue && _fetched < at + (AheadBytes / 2))
        {
            var from = Math.Max(_fetched, at);
            _fetched = at + AheadBytes;
            _file.WillNeed(from, _fetched - from);
        }
    }

    private bool Damaged(string what)
    {
        Fault = string.Create(CultureInfo.InvariantCulture, $"{what} at byte {_bufferOffset + _at}");
        return false;
    }
}
