// Where a capture file's bytes come from: a file, a pipe, or either through gzip. Plain reads into the caller's
// buffer, no mapping: a file that shrinks while it is read just ends early, where a mapping would end the process
// (SIGBUS).
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Tapline.Capture.Files;

/// <summary>A forward-only run of bytes. One thread; disposed by its reader.</summary>
internal sealed partial class ByteInput : IDisposable
{
    private const short POLLIN = 0x001; // <poll.h>
    private readonly Stream _base;
    private readonly Stream _content;
    private readonly int _descriptor;

    private ByteInput(Stream baseStream, Stream content, int descriptor)
    {
        _base = baseStream;
        _content = content;
        _descriptor = descriptor;
    }

    /// <summary>True when bytes do not come live: a read may wait until the buffer is full.</summary>
    public bool IsStored => _base.CanSeek;

    /// <summary>True when offsets count decompressed bytes.</summary>
    public bool IsCompressed => !ReferenceEquals(_base, _content);

    /// <summary>True when any part can be read at any time by any thread: <see cref="ReadAt"/>.</summary>
    public bool IsRandom => _base is FileStream { CanSeek: true } && !IsCompressed;

    /// <summary>Bytes taken from the input itself (compressed bytes for gzip), for progress.</summary>
    public long PositionBytes { get; private set; }

    /// <summary>Length of the input itself; 0 where it is not known.</summary>
    public long LengthBytes => _base.CanSeek ? _base.Length : 0;

    /// <summary>Opens a path, or standard input for "-". Throws what opening throws.</summary>
    public static ByteInput Open(string path)
    {
        var handle = path == "-"
            ? new Microsoft.Win32.SafeHandles.SafeFileHandle(0, ownsHandle: false)
            : File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
                FileOptions.SequentialScan);
        var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        return new ByteInput(stream, stream, stream.CanSeek ? -1 : (int)handle.DangerousGetHandle());
    }

    /// <summary>Takes any stream: tests, tunnels.</summary>
    public static ByteInput From(Stream stream) => new(stream, stream, -1);

    /// <summary>
    /// The same bytes decompressed, with <paramref name="prefix"/> (already taken) put back in front.
    /// </summary>
    public ByteInput Decompressed(byte[] prefix)
    {
        var whole = new PrefixStream(prefix, _base);
        return new ByteInput(_base, new GZipStream(whole, CompressionMode.Decompress), _descriptor);
    }

    /// <summary>True when a read will not block; false after <paramref name="timeoutMs"/> without bytes.</summary>
    public bool Wait(int timeoutMs)
    {
        if (_descriptor < 0)
        {
            return true;
        }

        var poll = new PollDescriptor { Descriptor = _descriptor, Events = POLLIN };
        return Poll(ref poll, 1, timeoutMs) != 0;
    }

    /// <summary>
    /// Reads some bytes; 0 at the end. Throws <see cref="IOException"/> or <see cref="InvalidDataException"/>.
    /// </summary>
    public int Read(Span<byte> buffer)
    {
        var count = _content.Read(buffer);
        PositionBytes = _base.CanSeek ? _base.Position : PositionBytes + count;
        return count;
    }

    /// <summary>Fills the buffer from an offset; less only at the end. Any thread; throws <see cref="IOException"/>.</summary>
    public int ReadAt(Span<byte> buffer, long offset)
    {
        var handle = ((FileStream)_base).SafeFileHandle;
        var filled = 0;
        while (filled < buffer.Length)
        {
            var count = RandomAccess.Read(handle, buffer[filled..], offset + filled);
            if (count == 0)
            {
                break;
            }

            filled += count;
        }

        return filled;
    }

    public void Dispose()
    {
        _content.Dispose();
        _base.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    /// <summary>struct pollfd of poll.h.</summary>
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Revents;
    }
}
