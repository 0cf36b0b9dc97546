// What stands between a recorder's buffers and its files: pages to write, at which place. The plain way hands the buffers on as
// they are; the other composes a container. The writer writes what it is given, as often as the disk needs, and says when it
// is there; the same bytes are given until then. The writer's thread.
using Tapline.Record.Container;

namespace Tapline.Record.Io;

/// <summary>Turns buffers into pages of a file. Writer's thread.</summary>
internal abstract class SegmentOutput : IDisposable
{
    /// <summary>Length of the file when all that was given is written.</summary>
    public abstract long FileEnd { get; }

    /// <summary>Files are containers.</summary>
    public abstract bool IsContainer { get; }

    /// <summary>The way that a recorder's options ask for.</summary>
    public static SegmentOutput Make(RecorderOptions options) =>
        options.Compression == SegmentCompression.None && options.Key is null ? new PlainOutput()
        : new ContainerOutput(options.Compression, options.Key, options.BufferBytes);

    /// <summary>A new file begins.</summary>
    public abstract void Begin();

    /// <summary>What is to be written next for a buffer; false when all of it is. Borrowed until the next call.</summary>
    /// <param name="buffer">The buffer; the same one until false comes back.</param>
    /// <param name="pages">Whole pages.</param>
    /// <param name="offset">Where they go, a multiple of the page.</param>
    public abstract bool TryNext(SegmentBuffer buffer, out ReadOnlySpan<byte> pages, out long offset);

    /// <summary>The pages are in the file.</summary>
    public abstract void Written();

    /// <summary>The name of a segment of this kind.</summary>
    public SegmentName NameOf(long startNs, ushort worker) => new(startNs, worker, IsRecovered: false, IsContainer);

    public abstract void Dispose();
}
