// Segments as they are: each buffer is one write.
namespace Tapline.Record.Io;

/// <summary>Hands buffers on. Writer's thread.</summary>
internal sealed class PlainOutput : SegmentOutput
{
    private bool _isWritten;
    private long _fileEnd;

    public override long FileEnd => _fileEnd;

    public override bool IsContainer => false;

    public override void Begin()
    {
        _isWritten = false;
        _fileEnd = 0;
    }

    public override bool TryNext(SegmentBuffer buffer, out ReadOnlySpan<byte> pages, out long offset)
    {
        offset = buffer.FileOffset;
        _fileEnd = buffer.FileEnd;
        pages = _isWritten ? default : buffer.Pages;
        var isNext = !_isWritten;
        _isWritten = false;
        return isNext;
    }

    public override void Written() => _isWritten = true;

    public override void Dispose()
    {
    }
}
