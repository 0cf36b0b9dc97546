// Segments in containers: what a buffer adds is cut into blocks, packed, and written in pages from memory of its own, which holds
// what one buffer usually becomes. Its last, partly filled page goes to the head of the next write, as the buffers' own do. A
// write that fails is given again byte for byte, so that no block is ever encrypted twice. One thread; no allocation a buffer.
using Tapline.Base.Native;
using Tapline.Record.Container;

namespace Tapline.Record.Io;

/// <summary>Composes containers. Writer's thread.</summary>
internal sealed class ContainerOutput : SegmentOutput
{
    private const int PageBytes = SegmentBuffer.PageBytes;
    private readonly ContainerEncoder _encoder;
    private readonly NativeArray<byte> _memory;
    private long _fileOffset;
    private int _length;
    private long _taken;
    private bool _isPending;

    public ContainerOutput(SegmentCompression compression, SegmentKey? key, int bufferBytes)
    {
        _encoder = new ContainerEncoder(compression, key);
        _memory = new NativeArray<byte>(bufferBytes + (2 * ContainerEncoder.BlockRoom) + PageBytes);
    }

    public override long FileEnd => _encoder.FileBytes;

    public override bool IsContainer => true;

    private Span<byte> Free => _memory.Span[_length..^PageBytes];

    public override void Begin()
    {
        _fileOffset = 0;
        _taken = 0;
        _isPending = false;
        _length = _encoder.Begin(_memory.Span);
    }

    public override bool TryNext(SegmentBuffer buffer, out ReadOnlySpan<byte> pages, out long offset)
    {
        if (!_isPending)
        {
            var before = _length;
            Fill(buffer);
            _isPending = _length > before;
        }

        offset = _fileOffset;
        var end = (_length + PageBytes - 1) & ~(PageBytes - 1);
        _memory.Span[_length..end].Clear();
        pages = _isPending ? _memory.Span[..end] : default;
        return _isPending;
    }

    public override void Written()
    {
        var whole = _length & ~(PageBytes - 1);
        _memory.Span[whole.._length].CopyTo(_memory.Span);
        _fileOffset += whole;
        _length -= whole;
        _isPending = false;
    }

    public override void Dispose()
    {
        _encoder.Dispose();
        _memory.Dispose();
    }

    // A buffer repeats the last page of the one before: only what is new is taken.
    private void Fill(SegmentBuffer buffer)
    {
        while (_taken < buffer.FileEnd && Free.Length >= ContainerEncoder.BlockRoom)
        {
            var bytes = (int)Math.Min(BlockHeader.PlainBytesMax, buffer.FileEnd - _taken);
            _length += _encoder.AddBlock(buffer.Memory.Slice((int)(_taken - buffer.FileOffset), bytes), Free);
            _taken += bytes;
        }

        while (buffer.IsLast && _taken == buffer.FileEnd && !_encoder.IsFinished && Free.Length >= ContainerEncoder.BlockRoom)
        {
            _length += _encoder.Finish(Free);
        }
    }
}
