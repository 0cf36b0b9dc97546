// The thread between a worker's buffers and the disk: opens, preallocates, writes, closes, publishes and makes room. It
// owns a buffer from HandOver until it puts the index into the ring of free ones, so no worker ever waits for a disk.
// One large direct write at a time is as fast as several in flight (docs/adr/0004-recorder-io.md).
//
// Failure: a full disk is waited for with growing pauses and the same bytes are written when there is room; any other
// error ends the segment at its last whole block, counts what was in flight as lost, and the next segment tries anew.
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Evidence;
using Tapline.Store;

namespace Tapline.Record.Io;

/// <summary>Writes segments for one <see cref="SegmentRecorder"/>. One own thread.</summary>
internal sealed class SegmentWriter
{
    private const int PauseMsMin = 50;
    private const int PauseMsMax = 2000;

    // So many buffers wait when the writer has no time for hashing; the others are for the disk's hiccups.
    private const int BehindBuffersMax = 4;
    private readonly SegmentFolder _folder;
    private readonly DiskCalls _disk;
    private readonly SegmentBuffer[] _buffers;
    private readonly FreeBuffers _free;
    private readonly HandoverRing _full;
    private readonly IndexFile? _indexes;
    private readonly SegmentSealer? _seals;
    private readonly SegmentOutput _output;
    private readonly WakeSignal _wake = new();
    private readonly PathBuffer _hidden;
    private readonly PathBuffer _published;
    private readonly WriterLosses _losses = new();
    private readonly LeftoverSegments _leftovers;
    private readonly Thread _thread;
    private readonly long _reserveBytes;
    private readonly ushort _worker;
    private readonly int _behindFrom;
    private int _fd = -1;
    private FileIdentity _file;
    private long _segmentStartNs;
    private long _goodEnd;
    private long _reserved;
    private long _failedSegment;
    private long _settled;
    private long _bytesWritten;
    private string? _stallReason;
    private volatile bool _isDirect = true;
    private volatile bool _isClosing;
    private volatile bool _isEnd;

    public SegmentWriter(
        SegmentFolder folder, DiskCalls disk, ushort worker, long segmentBytes, SegmentBuffer[] buffers, FreeBuffers free,
        IndexFile? indexes, SegmentOutput output)
    {
        _folder = folder;
        _disk = disk;
        _worker = worker;
        _buffers = buffers;
        _free = free;
        _full = new HandoverRing(buffers.Length);
        _indexes = indexes;
        _output = output;
        _seals = folder.Evidence?.NewSealer(folder.Path, disk, worker, segmentBytes);
        _behindFrom = Math.Clamp(buffers.Length / 4, 1, BehindBuffersMax);
        _reserveBytes = Math.Min(segmentBytes, Limits.SegmentReserveBytes);
        _leftovers = new LeftoverSegments(folder, _seals);
        _hidden = new PathBuffer(folder.Path);
        _published = new PathBuffer(folder.Path);
        _thread = new Thread(Run) { Name = $"tl-rec-{worker}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The last segment that was given up; frames handed over for it are lost. Any thread.</summary>
    public long FailedSegment => Volatile.Read(ref _failedSegment);

    /// <summary>Frames handed over and lost. Any thread.</summary>
    public long Lost => _losses.Total;

    /// <summary>Frames handed over of which is known whether they are on disk or lost. Any thread.</summary>
    public long Settled => Volatile.Read(ref _settled);

    /// <summary>What was begun and is on disk, for who reads along. Any thread.</summary>
    public SegmentTrail Trail { get; } = new();

    /// <summary>Bytes written into segments. Any thread.</summary>
    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Segments whose index could not be written. Any thread.</summary>
    public long IndexesLost => _indexes?.Lost ?? 0;

    /// <summary>Segments that stay without a seal. Any thread.</summary>
    public long SealsLost => _seals?.Lost ?? 0;

    /// <summary>Visible segments that wait for their seal. Any thread.</summary>
    public long SealsWaiting => _seals?.Waiting ?? 0;

    public string? StallReason => Volatile.Read(ref _stallReason);

    /// <summary>False when the file system takes no direct writes and the page cache is used instead.</summary>
    public bool IsDirect => _isDirect;

    public bool HasEnded => !_thread.IsAlive;

    public long LostOf(int point) => _losses[point];

    /// <summary>Tells the indexes of a point. Worker's thread.</summary>
    public void Describe(PointInfo point) => _indexes?.Describe(point);

    /// <summary>Passes a buffer to the thread. Worker's thread; never blocks.</summary>
    public void HandOver(int buffer)
    {
        _full.Put(buffer);
        _wake.Set();
    }

    /// <summary>From here on a failure is not tried again. Worker's thread, before it waits for the end.</summary>
    public void GiveUpOnFailure()
    {
        _isClosing = true;
        _wake.Set();
    }

    /// <summary>Ends the thread after what was handed over; false when the disk did not answer in time.</summary>
    public bool Join(int timeoutMs)
    {
        if (!_thread.Join(timeoutMs))
        {
            return false;
        }

        _wake.Dispose();
        return true;
    }

    /// <summary>Releases what the thread used. Only after <see cref="Join"/> succeeded.</summary>
    public void Release()
    {
        Invariant.Check(HasEnded);
        _losses.Dispose();
        _indexes?.Dispose();
        _seals?.Dispose();
        _output.Dispose();
    }

    /// <summary>Nothing more is handed over after this. Worker's thread.</summary>
    public void End()
    {
        _isClosing = true;
        _isEnd = true;
        _wake.Set();
    }

    private void Run()
    {
        while (true)
        {
            // Read before looking: what is handed over before the end is always seen.
            var isEnd = _isEnd;
            if (_full.TryTake(out var index))
            {
                var buffer = _buffers[index];
                Process(buffer);
                _indexes?.Return(buffer.Index);
                buffer.Reset();
                _free.Put(index);
            }
            else if (isEnd)
            {
                break;
            }
            else
            {
                _wake.Wait(-1);
            }
        }

        if (_fd >= 0)
        {
            // The worker could not end its segment: no buffer came back in time. What is on disk is kept.
            GiveUpSegment(_failedSegment);
        }

        _seals?.End();
    }

    private void Process(SegmentBuffer buffer)
    {
        if (buffer.Segment == _failedSegment || !WriteUntilDone(buffer))
        {
            CountLost(buffer);
            return;
        }

        Volatile.Write(ref _bytesWritten, _bytesWritten + _output.FileEnd - _goodEnd);
        _goodEnd = _output.FileEnd;
        _losses.Written(buffer);
        Trail.Wrote(buffer.Frames);
        Volatile.Write(ref _settled, _settled + buffer.Frames);
        if (buffer.IsLast)
        {
            FinishSegment(buffer.Index, buffer.FileEnd);
        }
    }

    // True when the buffer's bytes are in the file; false when its segment was given up.
    private bool WriteUntilDone(SegmentBuffer buffer)
    {
        var pauseMs = PauseMsMin;
        while (true)
        {
            var isLastTry = _isClosing;
            var result = _fd < 0 ? OpenSegment(buffer) : 0;
            result = result == 0 ? WriteBuffer(buffer) : result;
            if (result == 0 && IsGone())
            {
                Volatile.Write(ref _stallReason, Sentence(-NativeFile.ENOENT));
                if (_goodEnd == 0)
                {
                    CloseEmptySegment();
                    continue;
                }

                GiveUpSegment(buffer.Segment);
                return false;
            }

            if (result == 0)
            {
                Volatile.Write(ref _stallReason, null);
                return true;
            }

            var isFull = result is -NativeFile.ENOSPC or -NativeFile.EDQUOT;
            if (isFull && _folder.Shortage is null && _folder.MakeRoom(_disk))
            {
                continue;
            }

            Volatile.Write(ref _stallReason, Sentence(result));
            if (isLastTry || (_fd >= 0 && !isFull && _losses.InFile > 0))
            {
                GiveUpSegment(buffer.Segment);
                return false;
            }

            if (_fd >= 0 && !isFull)
            {
                CloseEmptySegment();
            }

            _wake.Wait(pauseMs);
            pauseMs = Math.Min(pauseMs * 2, PauseMsMax);
        }
    }

    private int OpenSegment(SegmentBuffer buffer)
    {
        Invariant.Check(buffer.FileOffset == 0 && buffer.Segment != _failedSegment);
        if (!_folder.TryEnter(_disk))
        {
            return -NativeFile.ENOENT;
        }

        _segmentStartNs = Math.Max(0, buffer.SegmentStartNs);
        _output.NameOf(_segmentStartNs, _worker).AddTo(_hidden.Reset(), isHidden: true);
        const int Flags = NativeFile.O_RDWR | NativeFile.O_CREAT | NativeFile.O_EXCL;
        var fd = _disk.Open(_hidden.Path, Flags | NativeFile.O_DIRECT);
        if (fd is -NativeFile.EINVAL or -NativeFile.EOPNOTSUPP)
        {
            // Such a file system may have made the file before it refused the flag.
            _ = _disk.Remove(_hidden.Path);
            fd = _disk.Open(_hidden.Path, Flags);
            _isDirect = false;
        }

        if (fd == -NativeFile.EEXIST)
        {
            buffer.SegmentStartNs = _segmentStartNs + 1;
            return OpenSegment(buffer);
        }

        if (fd < 0)
        {
            return fd;
        }

        _fd = fd;
        _seals?.Begin();
        _goodEnd = 0;
        _reserved = 0;
        _losses.BeginFile();
        _ = _disk.Identify(_hidden.Path, out _file);
        Trail.Begin(_segmentStartNs);
        _output.Begin();
        return 0;
    }

    // The file was unlinked or the folder taken away: what is written into it now, nobody will find.
    private bool IsGone()
    {
        var result = _disk.Identify(_hidden.Path, out var found);
        return result is -NativeFile.ENOENT or -NativeFile.ENOTDIR || (result == 0 && found != _file);
    }

    private int WriteBuffer(SegmentBuffer buffer)
    {
        var result = 0;
        while (result == 0 && _output.TryNext(buffer, out var pages, out var offset))
        {
            result = TryReserveUpTo(offset + pages.Length) ? WritePages(pages, offset) : -NativeFile.ENOSPC;
            if (result == 0)
            {
                _seals?.Take(
                    pages[..(int)Math.Min(pages.Length, _output.FileEnd - offset)], offset,
                    isBehind: _full.Count >= _behindFrom);
                _output.Written(); // the pages are the output's again
            }
        }

        return result;
    }

    private int WritePages(ReadOnlySpan<byte> pages, long offset)
    {
        var result = _disk.WriteAll(_fd, pages, offset);
        if (result == -NativeFile.EINVAL && _isDirect)
        {
            // The device wants a larger alignment than a page, or a short write has left an odd rest.
            _isDirect = false;
            result = _disk.ClearDirect(_fd);
            result = result < 0 ? result : _disk.WriteAll(_fd, pages, offset);
        }

        return result;
    }

    // Preallocation is an optimisation against fragments: where it fails, the write itself tells what is wrong. False when the
    // folder's rules leave no room.
    private bool TryReserveUpTo(long end)
    {
        while (_reserved < end)
        {
            if (!_folder.TryReserve(_disk, _reserveBytes))
            {
                return false;
            }

            _reserved += _reserveBytes;
            _ = _disk.Allocate(_fd, _reserved);
        }

        return true;
    }

    private void FinishSegment(int index, long contentBytes)
    {
        var result = _disk.Truncate(_fd, _goodEnd);
        if (result == 0 && !_isDirect)
        {
            // Direct writes are on the device, and the journal keeps their sizes before the rename; cached pages are not.
            result = _disk.SyncData(_fd);
        }

        _ = _disk.Close(_fd);
        _fd = -1;
        var published = Publish(index, contentBytes);
        result = result == 0 ? published : result;
        if (result == 0)
        {
            _leftovers.Retry(_disk);
            return;
        }

        Volatile.Write(ref _stallReason, Sentence(result));
    }

    // The index becomes visible first, under the same name: whoever sees a segment finds it. The seal comes when it can.
    private int Publish(int index, long contentBytes)
    {
        var name = _output.NameOf(_segmentStartNs, _worker);
        var indexBytes = _indexes?.Write(index, name, contentBytes) ?? 0;
        while (true)
        {
            name.AddTo(_published.Reset(), isHidden: false);
            var result = indexBytes == 0 ? 0 : _indexes!.Publish(name);
            if (result is not 0 and not -NativeFile.EEXIST)
            {
                _indexes!.Discard();
                (indexBytes, result) = (0, 0);
            }

            result = result == 0 ? _disk.Publish(_hidden.Path, _published.Path) : result;
            if (result == -NativeFile.EEXIST)
            {
                _indexes?.Withdraw();
                name = name with { StartNs = name.StartNs + 1 };
                continue;
            }

            if (result != 0 && IsGone())
            {
                _indexes?.Withdraw();
                _indexes?.Discard();
                _losses.LostFile();
                _folder.Release(_reserved);
                return result;
            }

            _folder.Release(_reserved - _goodEnd);
            if (result == 0)
            {
                _seals?.Seal(name, _goodEnd, indexBytes == 0 ? null : _indexes!.Hash);
                _folder.Add(_disk, name, _goodEnd);
                Trail.Rename(name.StartNs);
            }
            else
            {
                _leftovers.Add(_output.NameOf(_segmentStartNs, _worker), _goodEnd);
            }

            return result;
        }
    }

    // The first buffer could not be written: nothing is lost yet, and another file may fare better.
    private void CloseEmptySegment()
    {
        _ = _disk.Close(_fd);
        _fd = -1;
        _folder.Release(_reserved);
        _ = _disk.Remove(_hidden.Path);
    }

    // What is whole in the file stays: it is cut, marked as recovered and published, or removed when it holds nothing.
    private void GiveUpSegment(long segment)
    {
        Volatile.Write(ref _failedSegment, segment);
        if (_fd < 0)
        {
            return;
        }

        if (_losses.InFile == 0 || IsGone())
        {
            _losses.LostFile();
            CloseEmptySegment();
            return;
        }

        _ = _disk.Truncate(_fd, _goodEnd);
        _ = _disk.Close(_fd);
        _fd = -1;
        _folder.Release(_reserved);

        var name = _output.NameOf(_segmentStartNs, _worker);
        try
        {
            var path = Encoding.UTF8.GetString(_hidden.Path[..^1]);
            if (SegmentRepair.TrySettle(_folder.Path, path, name, out var settled, out var bytes))
            {
                _folder.Retake(bytes);
                _folder.Add(_disk, settled, bytes);
                _seals?.SealRecovered(settled, bytes);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The device is failing; the file keeps its hidden name until it can be repaired.
            _folder.Retake(_goodEnd);
            _leftovers.Add(name, _goodEnd);
            Volatile.Write(ref _stallReason, $"A segment of the recording {_folder.Path} could not be closed: {e.Message}");
        }
    }

    private void CountLost(SegmentBuffer buffer)
    {
        _losses.Lost(buffer);
        Volatile.Write(ref _settled, _settled + buffer.Frames);
    }

    private string Sentence(int result) => _folder.Shortage ?? (result is -NativeFile.ENOSPC or -NativeFile.EDQUOT
        ? $"The recording {_folder.Path} can't be written: {NativeFile.Describe(result)}; free some, or lower the budget. "
            + "Recording goes on by itself when there is room."
        : $"The recording {_folder.Path} can't be written: {NativeFile.Describe(result)}; it is tried again by itself.");
}
