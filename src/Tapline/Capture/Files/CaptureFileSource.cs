// The simple way to read a capture file: one thread, batch by batch, like any other source of frames. For several
// workers on one file use CaptureFileReader with several blocks instead.
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>A capture file as a source of frames for one worker.</summary>
public sealed unsafe class CaptureFileSource : IFrameSource
{
    private readonly CaptureFileReader _reader;
    private readonly FrameBlock _block = new();
    private int _next;

    /// <summary>Takes ownership of the reader.</summary>
    public CaptureFileSource(CaptureFileReader reader) => _reader = reader;

    /// <summary>
    /// Opens a file, or standard input for "-"; null with one sentence when it cannot be read at all.
    /// </summary>
    public static CaptureFileSource? Open(string path, ushort firstPointId, out string error)
    {
        var reader = CaptureFileReader.Open(path, firstPointId, out error);
        return reader is null ? null : new CaptureFileSource(reader);
    }

    /// <summary>The reader: name, interfaces, progress.</summary>
    public CaptureFileReader Reader => _reader;

    /// <inheritdoc/>
    public string? Fault => _reader.Fault;

    /// <inheritdoc/>
    public LeaseResult Lease(FrameBatch batch, int timeoutMs)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();
        if (_next == _block.Count)
        {
            _next = 0;
            var result = _reader.Read(_block, timeoutMs);
            if (result != LeaseResult.Frames)
            {
                return result;
            }
        }

        var end = Math.Min(_block.Count, _next + Limits.BatchFramesMax);
        for (; _next < end; _next++)
        {
            batch.Add(_block.Address(_next)) = _block.Meta(_next);
        }

        return LeaseResult.Frames;
    }

    /// <inheritdoc/>
    public void Release(FrameBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _block.Dispose();
    }
}
