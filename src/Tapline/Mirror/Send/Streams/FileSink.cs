// A stream into files: one, or a row of them that goes on by size, time or frames. Every file is whole: section header,
// interfaces as they appear, packets, and at its end what it lacks. Chunks are written as they come, so the file under way
// can be read; after a failed write it is cut back to the last whole block. A disk that takes nothing is asked again once
// a second. The stream's thread; the first file is opened on a control thread, so that a mistake is told.
using System.Globalization;
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Writes files. Owns the descriptor of the one under way.</summary>
internal sealed class FileSink : StreamSink
{
    private const long RetryNs = Clock.SecondNs;

    /// <summary>Room that a full disk must have again before writing goes on.</summary>
    private const int RoomBytes = 1 << 20;

    private const int NamesTriedMax = 1000;
    private static readonly HashSet<string> s_places = new(StringComparer.Ordinal);
    private readonly FileTarget _target;
    private readonly string _place;
    private readonly DiskCalls _disk;
    private readonly StreamInterfaces _interfaces;
    private readonly StreamTally _tally;
    private readonly StreamParts _parts;
    private readonly Queue<byte[]> _kept = new();
    private byte[] _path = [];
    private int _fd = -1;
    private long _length;
    private long _packets;
    private long _startNs;
    private int _described;
    private int _number;
    private long _retryNs;

    private FileSink(FileTarget target, string place, StreamParts parts, DiskCalls disk)
    {
        _target = target;
        _place = place;
        _parts = parts;
        _interfaces = parts.Interfaces;
        _tally = new StreamTally(parts.Losses);
        _disk = disk;
    }

    /// <summary>Makes the first file; null and one sentence when that is not possible.</summary>
    public static FileSink? Open(FileTarget target, StreamParts parts, DiskCalls disk, out string? error)
    {
        // A session that is changed and keeps its file would otherwise write it together with the one before.
        var place = Path.GetFullPath(target.Path);
        lock (s_places)
        {
            if (s_places.Contains(place))
            {
                error = $"Another session writes {target.Path}; give each a file of its own.";
                return null;
            }

            var sink = new FileSink(target, place, parts, disk);
            var result = sink.TryBegin();
            error = result == 0 ? null : sink.Explain(result);
            if (error is null)
            {
                s_places.Add(place);
            }

            return error is null ? sink : null;
        }
    }

    /// <inheritdoc/>
    public override int PacketsWanted()
    {
        var rule = _target.Rotation;
        if (WhyDown is not null)
        {
            TryRecover();
        }
        else if (_packets > 0 && ((rule.Bytes > 0 && _length >= rule.Bytes) || (rule.Frames > 0 && _packets >= rule.Frames)
            || (rule.Seconds > 0 && Clock.NowNs() - _startNs >= rule.Seconds * Clock.SecondNs)))
        {
            EndFile();
            Fail(TryBegin());
        }

        return rule.Frames > 0 ? (int)Math.Min(int.MaxValue, rule.Frames - _packets) : int.MaxValue;
    }

    /// <inheritdoc/>
    public override DropReason Take(StreamChunk chunk)
    {
        Invariant.Check(_fd >= 0 && chunk.Packets > 0);
        var (length, described) = (_length, _described);
        var result = Describe();
        result = result == 0 ? Append(chunk.Bytes) : result;
        _tally.Count(chunk, result == 0);
        if (result == 0)
        {
            _packets += chunk.Packets;
            return DropReason.None;
        }

        // The file ends with a whole block, whatever of the chunk the disk took.
        _ = _disk.Truncate(_fd, length);
        (_length, _described) = (length, described);
        Fail(result);
        return DropReason.TargetDown;
    }

    /// <inheritdoc/>
    public override void Wait(int timeoutMs) => _parts.Wake.Wait(timeoutMs);

    /// <inheritdoc/>
    public override void End() => EndFile();

    public override void Dispose()
    {
        lock (s_places)
        {
            s_places.Remove(_place);
        }

        if (_fd >= 0)
        {
            _ = _disk.Close(_fd);
            _fd = -1;
        }
    }

    private void Fail(int result)
    {
        if (result != 0)
        {
            WhyDown = Explain(result);
            _retryNs = Clock.MonotonicNs() + RetryNs;
        }
    }

    private void TryRecover()
    {
        if (Clock.MonotonicNs() < _retryNs)
        {
            return;
        }

        _retryNs = Clock.MonotonicNs() + RetryNs;
        var result = _fd < 0 ? TryBegin() : _disk.Allocate(_fd, _length + RoomBytes);
        if (result is not (0 or -NativeFile.EOPNOTSUPP or -NativeFile.ENOSYS))
        {
            return;
        }

        // Room that was only asked for goes back.
        _ = _disk.Truncate(_fd, _length);
        WhyDown = null;
    }

    private int TryBegin()
    {
        var nowNs = Clock.NowNs();
        var flags = NativeFile.O_WRONLY | NativeFile.O_CREAT | (_target.Overwrites ? 0 : NativeFile.O_EXCL);
        for (var tries = 0; ; tries++)
        {
            _path = NextPath(nowNs);
            _fd = _disk.Open(_path, flags);

            // In a row somebody else's file of the same second is left alone.
            if (_fd != -NativeFile.EEXIST || _target.Rotation.IsNever || tries == NamesTriedMax)
            {
                break;
            }
        }

        if (_fd < 0)
        {
            return _fd;
        }

        _length = _packets = _described = 0;
        _startNs = nowNs;
        _interfaces.Clear();
        _tally.Begin(nowNs);
        var result = _disk.Truncate(_fd, 0);
        result = result == 0 ? Append(_parts.Header) : result;
        if (result != 0)
        {
            _ = _disk.Close(_fd);
            _ = _disk.Remove(_path);
            _fd = -1;
            return result;
        }

        Keep();
        return 0;
    }

    // Only files that this session made are ever removed.
    private void Keep()
    {
        _kept.Enqueue(_path);
        while (_target.Files > 0 && _kept.Count > _target.Files)
        {
            _ = _disk.Remove(_kept.Dequeue());
        }
    }

    private void EndFile()
    {
        if (_fd < 0)
        {
            return;
        }

        // A full disk may refuse the ending too; then the file has all its packets and no statistics.
        _tally.End(_interfaces);
        var ending = new byte[_tally.Bytes(_interfaces)];
        var length = _length;
        _tally.Write(ending, _interfaces, Clock.NowNs());
        if (Describe() != 0 || Append(ending) != 0)
        {
            _ = _disk.Truncate(_fd, length);
        }

        _ = _disk.Close(_fd);
        _fd = -1;
    }

    private int Describe()
    {
        var result = 0;
        for (; _described < _interfaces.Count && result == 0; _described += result == 0 ? 1 : 0)
        {
            result = Append(_interfaces.Block(_described));
        }

        return result;
    }

    private int Append(ReadOnlySpan<byte> bytes)
    {
        var result = _disk.WriteAll(_fd, bytes, _length);
        _length += result == 0 ? bytes.Length : 0;
        return result;
    }

    // NAME_00001_20260102030405.pcapng, as dumpcap names a row of files.
    private byte[] NextPath(long nowNs)
    {
        var path = _target.Path;
        if (!_target.Rotation.IsNever)
        {
            var dot = path.LastIndexOf('.');
            var stem = dot > path.LastIndexOf('/') + 1 ? path[..dot] : path;
            var time = DateTime.UnixEpoch.AddTicks(nowNs / 100).ToLocalTime();
            path = string.Create(CultureInfo.InvariantCulture, $"{stem}_{++_number:D5}_{time:yyyyMMddHHmmss}{path[stem.Length..]}");
        }

        return Encoding.UTF8.GetBytes(path + '\0');
    }

    private string Explain(int result)
    {
        var path = Encoding.UTF8.GetString(_path.AsSpan(0, _path.Length - 1));
        return result switch
        {
            -NativeFile.EEXIST => $"{path} is there already; give another name, or add ?overwrite to write over it.",
            -NativeFile.ENOENT => $"There is no folder for {path}; make it first.",
            -SystemCalls.ELOOP => $"{path} is a symbolic link, which is not followed; give the file itself.",
            _ => $"{path} cannot be written: {NativeFile.Describe(result)}.",
        };
    }
}
