// The bytes of a segment, or of its index, at any offset: as they are in an ordinary file, or unpacked from a container. The one
// way in which recorded files are opened; whoever reads knows nothing of containers. One thread; owns the file.
using Microsoft.Win32.SafeHandles;
using Tapline.Base.Native;

namespace Tapline.Record.Container;

/// <summary>Reads a recorded file. One thread.</summary>
internal sealed class SegmentInput : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private ContainerReader? _container;

    // A container under way that has not even its header yet.
    private bool _isAwaited;

    private SegmentInput(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
        OpenContainer();
    }

    /// <summary>Length of the content now, in bytes.</summary>
    public long Length => _isAwaited ? 0 : _container?.Length ?? RandomAccess.GetLength(_file);

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
            return input = new SegmentInput(file, path);
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
    public int Read(Span<byte> target, long offset)
    {
        if (_isAwaited)
        {
            OpenContainer();
        }

        return _isAwaited ? 0 : _container is null ? RandomAccess.Read(_file, target, offset) : _container.Read(target, offset);
    }

    /// <summary>A part that will soon be read: the kernel may fetch it meanwhile. Nothing for a container.</summary>
    public void WillNeed(long offset, long bytes)
    {
        if (_container is null && !_isAwaited)
        {
            NativeFile.WillNeed((int)_file.DangerousGetHandle(), offset, bytes); // ours, and open until Dispose
        }
    }

    public void Dispose()
    {
        _container?.Dispose();
        _file.Dispose();
    }

    // An ordinary segment says by its name that it is none.
    private void OpenContainer()
    {
        if (_path.EndsWith(SegmentName.Extension, StringComparison.Ordinal))
        {
            return;
        }

        Span<byte> head = stackalloc byte[ContainerHeader.Bytes];
        head = head[..FileReads.Read(_file, head, 0)];
        var isNamed = _path.EndsWith(SegmentName.ContainerExtension, StringComparison.Ordinal);
        _isAwaited = isNamed && head.Length < ContainerHeader.Bytes && Path.GetFileName(_path.AsSpan()) is ['.', ..];
        if (!_isAwaited && (isNamed || ContainerHeader.Recognises(head)))
        {
            _container = ContainerReader.Open(_file, _path, head);
        }
    }
}
