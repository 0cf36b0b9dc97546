// The sending half of a replay: takes frames out of the ring when they are due and offers them to a mirror session, the same one
// that live copies leave by. A target that does not keep up is waited for, not overrun: nothing is lost that could be sent later. One
// thread; allocates nothing per frame.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror;

namespace Tapline.Workers.Past;

/// <summary>Plays what a reader reads.</summary>
internal sealed class ReplaySender(MirrorSession session, FrameRing ring, PastSchedule schedule)
{
    // Frames between two system calls when there is no time to wait for.
    private const int BatchFrames = 64;

    // Below these fillings of the target's buffer any frame finds room, and none is given up for others (FrameValue).
    private const int RoomPercent = 25;
    private const int RoomForSuperFramePercent = 5;

    // How long a stop or a paced output may have to wait for this thread.
    private const long SliceNs = 5_000_000;

    // The kernel wakes a thread some ten microseconds late; so long before its time a frame is waited for awake.
    private const long AwakeNs = 50_000;
    private const int SpinIterations = 4;
    private const long EmptyPauseNs = 50_000;
    private const long FullPauseNs = 50_000;
    private const long ProgressNs = 200_000_000;
    private int _pass;
    private int _unflushed;
    private Action? _progress;
    private long _progressNs;
    private long _lateSumNs;
    private long _paced;

    /// <summary>Frames that were taken out of the ring.</summary>
    public long Taken { get; private set; }

    /// <summary>How late the latest frame was.</summary>
    public long LateMaxNs { get; private set; }

    public long LateMeanNs => _paced == 0 ? 0 : _lateSumNs / _paced;

    /// <summary>Managed bytes that this allocated, the caller's progress left out.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Plays until the reader is over and the ring empty, or until stopped.</summary>
    public void Run(ReplayReader reader, Action? progress, CancellationToken stop)
    {
        PreciseWait.Sharpen();
        _progress = progress;
        while (!stop.IsCancellationRequested)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var isOver = reader.IsOver;
            if (ring.TryPeek(out var meta, out var frame, out var pass))
            {
                Play(meta, frame, pass, stop);
            }
            else if (isOver)
            {
                break;
            }
            else
            {
                Flush();
                PreciseWait.For(EmptyPauseNs);
            }

            Tell();
            AllocatedBytes += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Flush();
        if (!stop.IsCancellationRequested)
        {
            Drain(stop);
        }

        session.Finish();
    }

    private void Play(in FrameMeta meta, ReadOnlySpan<byte> frame, int pass, CancellationToken stop)
    {
        var isFirst = pass != _pass;
        if (isFirst)
        {
            _pass = pass;
            schedule.Restart();
        }

        var nowNs = Clock.MonotonicNs();
        var dueNs = schedule.Due(meta.TimestampNs, nowNs);
        if (dueNs > nowNs && !WaitUntil(dueNs, stop))
        {
            return;
        }

        if (!WaitForRoom(meta.GsoSize != 0 ? RoomForSuperFramePercent : RoomPercent, stop))
        {
            return;
        }

        if (!schedule.IsUnpaced && !isFirst)
        {
            var lateNs = Math.Max(0, Clock.MonotonicNs() - dueNs);
            LateMaxNs = Math.Max(LateMaxNs, lateNs);
            _lateSumNs += lateNs;
            _paced++;
        }

        FrameDecoder.Decode(frame, meta, out var layout);
        session.Offer(meta, layout, frame);
        ring.Pop();
        Taken++;
        if (++_unflushed == BatchFrames || isFirst)
        {
            Flush();
        }

        if (isFirst)
        {
            // What the first frame cost (code that was compiled for it) makes no other one late.
            schedule.Begin(meta.TimestampNs, Clock.MonotonicNs());
        }
    }

    // What waits leaves before the thread sleeps. False = stopped.
    private bool WaitUntil(long dueNs, CancellationToken stop)
    {
        Flush();
        for (var nowNs = Clock.MonotonicNs(); nowNs < dueNs; nowNs = Clock.MonotonicNs())
        {
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            if (dueNs - nowNs > AwakeNs)
            {
                PreciseWait.Until(Math.Min(dueNs - AwakeNs, nowNs + SliceNs));
            }
            else
            {
                Thread.SpinWait(SpinIterations);
            }

            if (dueNs - nowNs > SliceNs)
            {
                Flush();
                Tell();
            }
        }

        return true;
    }

    // A target that is down is waited for only without a pace: with one, time goes on as it does for live copies.
    private bool WaitForRoom(int percent, CancellationToken stop)
    {
        while (session.FillPercent >= percent || (schedule.IsUnpaced && !session.IsTargetUp))
        {
            Flush();
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            if (session.FillPercent >= percent || !session.IsTargetUp)
            {
                Tell();
                PreciseWait.For(FullPauseNs);
            }
        }

        return true;
    }

    // The end of the source is not the end of the target's patience: what is still on its way may leave.
    private void Drain(CancellationToken stop)
    {
        while (session.FillPercent > 0 && session.IsTargetUp && !stop.IsCancellationRequested)
        {
            PreciseWait.For(FullPauseNs);
            Flush();
        }
    }

    // Also while a pause of hours is waited for.
    private void Tell()
    {
        if (_progress is not null && Clock.MonotonicNs() - _progressNs > ProgressNs)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            _progressNs = Clock.MonotonicNs();
            _progress();
            AllocatedBytes -= GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private void Flush()
    {
        session.EndBatch();
        _unflushed = 0;
    }
}
