// The bytes of a segment, or of its index, at any offset: as they are in an ordinary file, or unpacked from a container. The one
// way in which recorded files are opened; whoever reads knows nothing of containers. One thread; owns the file.
using Microsoft.Win32.SafeHandles;

namespace Tapline.Record.Container;

/// <summary>Reads a recorded file. One thread.</summary>
internal sealed class SegmentInput : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly ContainerReader? _container;

    private SegmentInput(SafeFileHandle file, ContainerReader? container)
    {
        _file = file;
        _container = container;
    }

    /// <summary>Length of the content now, in bytes.</summary>
    public long Length => _container?.Length ?? RandomAccess.GetLength(_file);

    /// <summary>The container; null = an ordinary file.</summary>
    public ContainerReader? Container => _container;

    /// <summary>The content is encrypted on disk.</summary>
    public bool IsEncrypted => _container is { IsEncrypted: true };

    /// <summary>Opens a file. Throws what opening throws, <see cref="ContainerException"/> for a container that can't be read.</summary>
    public static SegmentInput Open(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        SegmentInput? input = null;
        try
        {
            return input = new SegmentInput(file, OpenContainer(file, path));
        }
        finally
        {
            if (input is null)
            {
                file.Dispose();
            }
        }
    }

    /// <summary>Length of a file's content. Throws what <see cref="Open"/> throws.</summary>
    public static long LengthOf(string path)
    {
        if (path.EndsWith(SegmentName.Extension, StringComparison.Ordinal))
        {
            return new FileInfo(path).Length;
        }

        using var input = Open(path);
        return input.Length;
    }

    /// <summary>Reads content from an offset: some bytes, 0 at the end. Throws <see cref="IOException"/>.</summary>
    public int Read(Span<byte> target, long offset) =>
        _container is null ? RandomAccess.Read(_file, target, offset) : _container.Read(target, offset);

    public void Dispose()
    {
        _container?.Dispose();
        _file.Dispose();
    }

    // An ordinary segment says by its name that it is none.
    private static ContainerReader? OpenContainer(SafeFileHandle file, string path)
    {
        if (path.EndsWith(SegmentName.Extension, StringComparison.Ordinal))
        {
            return null;
        }

        Span<byte> head = stackalloc byte[ContainerHeader.Bytes];
        head = head[..FileReads.Read(file, head, 0)];
        return ContainerHeader.Recognises(head) ? ContainerReader.Open(file, path, head)
            : path.EndsWith(SegmentName.ContainerExtension, StringComparison.Ordinal)
                ? throw new ContainerException("it does not begin like a container") : null;
    }
}
