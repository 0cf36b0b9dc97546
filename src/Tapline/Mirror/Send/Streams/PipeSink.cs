// A stream into a pipe: standard output, or a named pipe that somebody reads (Wireshark's extcap). A slow reader is waited
// for here, on the stream's thread, while the workers' rings fill and then count what is too much. A reader who goes ends
// the stream for good. Bytes leave as soon as there are some.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Streams;
using static Tapline.Base.Kernel.Socket;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Writes to a descriptor. The stream's thread.</summary>
internal sealed unsafe class PipeSink : StreamSink
{
    private const int StandardOutput = 1;
    private const int OpenTriesMs = 50;

    /// <summary>PIPE_BUF: after poll said that there is room, any pipe takes that much without making anybody wait.</summary>
    private const int PieceBytes = 4096;
    private const int LargePieceBytes = 256 * 1024;

    /// <summary>How long a reader may do nothing when the session ends.</summary>
    private const int HurriedMs = 500;

    private const int PollMs = 100;
    private static readonly TimeSpan s_openLimit = TimeSpan.FromSeconds(10);
    private readonly int _fd;
    private readonly int _pieceBytes;
    private readonly StreamInterfaces _interfaces;
    private readonly StreamTally _tally;
    private readonly StreamParts _parts;
    private bool _isBegun;
    private int _described;

    private PipeSink(int fd, StreamParts parts)
    {
        _fd = fd;
        _parts = parts;
        _interfaces = parts.Interfaces;
        _tally = new StreamTally(parts.Losses);
        _tally.Begin(Clock.NowNs());

        // Standard output is somebody's else too and keeps its mode, so only a file takes more at once.
        _pieceBytes = fd == StandardOutput && NativeFile.Length(fd) < 0 ? PieceBytes : LargePieceBytes;
    }

    /// <summary>Standard output, which stays open when this ends.</summary>
    public static PipeSink OfStandardOutput(StreamParts parts) => new(StandardOutput, parts);

    /// <summary>
    /// A named pipe; waits some seconds for its reader. Null without a sentence when the path is no pipe, with one when
    /// nobody reads.
    /// </summary>
    public static PipeSink? OfNamedPipe(string path, StreamParts parts, out string? error)
    {
        error = null;
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        int fd;
        while ((fd = SystemCalls.OpenFile(path, NativeFile.O_WRONLY | NativeFile.O_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        {
            // What else than a pipe without a reader cannot be opened is for those to tell who write files.
            if (SystemCalls.LastError != SendNative.ENXIO)
            {
                return null;
            }

            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > s_openLimit)
            {
                error = $"Nobody reads the pipe {path}; start its reader first.";
                return null;
            }

            Thread.Sleep(OpenTriesMs);
        }

        if (NativeFile.Length(fd) != -SystemCalls.ESPIPE)
        {
            _ = SystemCalls.Close(fd);
            return null;
        }

        return new PipeSink(fd, parts);
    }

    /// <inheritdoc/>
    public override int PacketsWanted()
    {
        // The section header goes out before the first packet: a reader sees at once that there is a stream.
        if (!_isBegun && WhyDown is null)
        {
            _isBegun = true;
            _ = Write(_parts.Header);
        }

        return int.MaxValue;
    }

    /// <inheritdoc/>
    public override DropReason Take(StreamChunk chunk)
    {
        var isWritten = Describe() && Write(chunk.Bytes);
        _tally.Count(chunk, isWritten);
        return isWritten ? DropReason.None : DropReason.TargetDown;
    }

    /// <inheritdoc/>
    public override void Wait(int timeoutMs)
    {
        // A pipe without a reader is an error to poll, whatever is asked: so its end is seen while no frame comes.
        var descriptors = stackalloc pollfd[2];
        descriptors[0] = new pollfd { fd = _parts.Wake.Descriptor, events = POLLIN };
        descriptors[1] = new pollfd { fd = WhyDown is null ? _fd : -1 };
        _ = SystemCalls.Poll(descriptors, 2, timeoutMs);
        _parts.Wake.Wait(0);
        if ((descriptors[1].revents & POLLERR) != 0)
        {
            Leave();
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        _tally.End(_interfaces);
        var ending = new byte[_tally.Bytes(_interfaces)];
        _tally.Write(ending, _interfaces, Clock.NowNs());
        Hurry();
        _ = PacketsWanted();
        if (WhyDown is null && Describe())
        {
            _ = Write(ending);
        }
    }

    public override void Dispose()
    {
        if (_fd != StandardOutput)
        {
            _ = SystemCalls.Close(_fd);
        }
    }

    private bool Describe()
    {
        while (_described < _interfaces.Count && WhyDown is null)
        {
            if (!Write(_interfaces.Block(_described)))
            {
                return false;
            }

            _described++;
        }

        return WhyDown is null;
    }

    // False when the reader has gone, or moves no more while the session ends.
    private bool Write(ReadOnlySpan<byte> bytes)
    {
        var idleMs = 0;
        while (bytes.Length > 0 && WhyDown is null)
        {
            var descriptor = new pollfd { fd = _fd, events = POLLOUT };
            var ready = SystemCalls.Poll(&descriptor, 1, PollMs);
            if (ready <= 0)
            {
                idleMs += PollMs;
                if (IsHurried && idleMs >= HurriedMs)
                {
                    WhyDown = "The reader of the stream has stopped reading.";
                }

                continue;
            }

            idleMs = 0;
            var piece = bytes[..Math.Min(bytes.Length, _pieceBytes)];
            nint written;
            fixed (byte* start = piece)
            {
                written = SystemCalls.Write(_fd, start, (nuint)piece.Length);
            }

            if (written > 0)
            {
                bytes = bytes[(int)written..];
            }
            else if (SystemCalls.LastError is not (SystemCalls.EINTR or SystemCalls.EAGAIN))
            {
                Leave();
            }
        }

        return WhyDown is null;
    }

    private void Leave()
    {
        if (WhyDown is null)
        {
            WhyDown = "The reader of the stream has gone.";
            _parts.OnEnded?.Invoke();
        }
    }
}
