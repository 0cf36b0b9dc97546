// One worker's frames: its share of the port ring, and of a small ring per bridge for the host's own traffic, merged by
// time. In: rings. Out: batches of borrowed frames in the order in which they arrived. Owner of the rings once given.
//
// A ring whose current block is still open in the kernel may hold frames older than those of the others, so a frame
// is handed out only when every other ring shows a later one or has had the time to hand over its block (holding time).
// With one ring nothing is held back. If the clock is set back, a frame waits at most twice the holding time.
//
// Tunnel listeners that the worker serves are asked after its rings; their frames are of other points, and no ring waits
// for them.
//
// Thread: Lease and Release on the worker's; SetRings, Stop and counters from control threads. No allocation per batch.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Tunnels;

namespace Tapline.Capture.Ring;

/// <summary>A worker's packet rings, and the tunnel listeners that it serves, as a source of frames.</summary>
public sealed unsafe class PacketRingSource : IFrameSource
{
    private const int RingsMax = 64;
    private const int SocketsMax = 2 * Limits.TunnelListenersMax;
    private const int StopSettleMs = 50;
    private readonly pollfd[] _pollSet = GC.AllocateArray<pollfd>(RingsMax + SocketsMax, pinned: true);
    private readonly long[] _captured = GC.AllocateArray<long>(Limits.PointsMax, pinned: true);
    private readonly long _holdNs;
    private PacketRing[] _desired = [];
    private PacketRing[] _active = [];
    private TunnelSocket[] _tunnels = [];
    private PointTable _table = PointTable.Empty;
    private long _stopTicks;
    private long _withheldTicks;
    private bool _hasRetired;
    private bool _tunnelsFirst;
    private long _frameNumber;
    private long _closedDrops;
    private long _closedFrames;

    internal PacketRingSource(int retireTimeoutMs)
    {
        // The block timer may be late by one period, and by a tick of the slowest kernel clock (10 ms).
        _holdNs = ((2L * retireTimeoutMs) + 10) * 1_000_000;
    }

    /// <inheritdoc/>
    public string? Fault { get; private set; }

    /// <summary>
    /// Frames handed out at a point by this source since it opened; point 0 stands for frames of an interface that had just
    /// changed hands. Any thread.
    /// </summary>
    public long Captured(ushort pointId) => Volatile.Read(ref _captured[pointId]);

    /// <inheritdoc/>
    public LeaseResult Lease(FrameBatch batch, int timeoutMs)
    {
        batch.Clear();
        if (Fault is not null)
        {
            return LeaseResult.Faulted;
        }

        SyncRings();
        var started = Environment.TickCount64;
        while (!TryFill(batch))
        {
            if (IsDrained())
            {
                return LeaseResult.End;
            }

            var left = timeoutMs - (int)(Environment.TickCount64 - started);
            if (left <= 0 || !Wait(left))
            {
                return Fault is null ? LeaseResult.Idle : LeaseResult.Faulted;
            }

            SyncRings();
        }

        return LeaseResult.Frames;
    }

    /// <inheritdoc/>
    public void Release(FrameBatch batch)
    {
        batch.Clear();
        foreach (var ring in _active)
        {
            ring.ReleaseFinished();
        }
    }

    /// <summary>Frees all rings. The worker must have stopped.</summary>
    public void Dispose()
    {
        foreach (var ring in _desired)
        {
            ring.Dispose();
        }

        foreach (var ring in _active)
        {
            ring.Dispose();
        }

        _active = [];
        _desired = [];
    }

    /// <summary>The rings from now on; the worker takes the list over at its next lease. Control thread.</summary>
    internal void SetRings(PacketRing[] rings)
    {
        Invariant.Check(rings.Length <= RingsMax);
        Volatile.Write(ref _desired, rings);
    }

    /// <summary>The tunnel sockets that this worker serves; their owner closes them. Before the worker starts.</summary>
    internal void SetTunnels(TunnelSocket[] tunnels)
    {
        Invariant.Check(tunnels.Length <= SocketsMax);
        _tunnels = tunnels;
    }

    /// <summary>Rings given up that the worker has not closed yet. Control thread.</summary>
    internal PacketRing[] RetiredRings() =>
        Array.FindAll(Volatile.Read(ref _desired), ring => !ring.IsClosed && ring.RetiredTicks != 0);

    /// <summary>The interface table from now on. Control thread.</summary>
    internal void SetTable(PointTable table) => Volatile.Write(ref _table, table);

    /// <summary>No new frames are expected: after a settling time and with empty rings, Lease returns End. Control thread.</summary>
    internal void Stop() => Volatile.Write(ref _stopTicks, Math.Max(Stopwatch.GetTimestamp(), 1));

    /// <summary>Frames that found no room in this source's rings. Any thread.</summary>
    internal long ReadDrops(out long frames)
    {
        var drops = Volatile.Read(ref _closedDrops);
        frames = Volatile.Read(ref _closedFrames);
        foreach (var ring in Volatile.Read(ref _desired))
        {
            if (!ring.IsClosed)
            {
                drops += ring.ReadDrops(out var ringFrames);
                frames += ringFrames;
            }
        }

        foreach (var tunnel in _tunnels)
        {
            var dropped = tunnel.ReadDrops();
            drops += dropped;
            frames += dropped + tunnel.ReadTaken().Frames;
        }

        return drops;
    }

    private bool TryFill(FrameBatch batch)
    {
        var table = Volatile.Read(ref _table);
        // In turns, so that busy rings leave room for the tunnels and the other way round.
        _tunnelsFirst = !_tunnelsFirst;
        if (_tunnelsFirst)
        {
            FillFromTunnels(batch);
        }

        if (_active.Length == 1)
        {
            _active[0].Fill(batch, long.MaxValue, table, _captured, ref _frameNumber);
        }
        else
        {
            FillMerged(batch, table);
        }

        if (!_tunnelsFirst)
        {
            FillFromTunnels(batch);
        }

        return batch.Count > 0;
    }

    private void FillFromTunnels(FrameBatch batch)
    {
        foreach (var tunnel in _tunnels)
        {
            tunnel.Fill(batch, _captured, ref _frameNumber);
        }
    }

    private void FillMerged(FrameBatch batch, PointTable table)
    {
        var invisibleLimitNs = IsWaitOver() ? long.MaxValue : NowNs() - _holdNs;
        while (!batch.IsFull)
        {
            PacketRing? first = null;
            var firstNs = long.MaxValue;
            var limitNs = long.MaxValue;
            foreach (var ring in _active)
            {
                var nextNs = ring.PeekNs();
                if (nextNs == long.MaxValue)
                {
                    limitNs = Math.Min(limitNs, invisibleLimitNs);
                }
                else if (nextNs < firstNs)
                {
                    limitNs = Math.Min(limitNs, firstNs);
                    (first, firstNs) = (ring, nextNs);
                }
                else
                {
                    limitNs = Math.Min(limitNs, nextNs);
                }
            }

            if (first is null || firstNs > limitNs)
            {
                NoteWithheld(first is not null);
                return;
            }

            _withheldTicks = 0;
            first.Fill(batch, limitNs, table, _captured, ref _frameNumber);
        }
    }

    // True once a frame has been held back for so long that only a clock set back can explain it, or when all is stopped.
    private bool IsWaitOver() =>
        (_withheldTicks != 0 && Stopwatch.GetElapsedTime(_withheldTicks).Ticks * 100 > 2 * _holdNs) || IsStopSettled();

    private void NoteWithheld(bool isWithheld)
    {
        if (!isWithheld)
        {
            _withheldTicks = 0;
        }
        else if (_withheldTicks == 0)
        {
            _withheldTicks = Stopwatch.GetTimestamp();
        }
    }

    private bool IsStopSettled()
    {
        var stopTicks = Volatile.Read(ref _stopTicks);
        return stopTicks != 0
            && Stopwatch.GetElapsedTime(stopTicks).Ticks * 100 > (2 * _holdNs) + (StopSettleMs * 1_000_000L);
    }

    private bool IsDrained()
    {
        if (!IsStopSettled())
        {
            return false;
        }

        foreach (var ring in _active)
        {
            if (ring.PeekNs() != long.MaxValue)
            {
                return false;
            }
        }

        return true;
    }

    // False when the time is over or a fault occurred.
    private bool Wait(int timeoutMs)
    {
        // While a frame is held back its ring stays readable, and poll would return at once for ever.
        var isWithheld = _withheldTicks != 0;
        var isStopping = Volatile.Read(ref _stopTicks) != 0;
        var count = isWithheld ? 0 : _active.Length;
        for (var i = 0; i < count; i++)
        {
            _pollSet[i] = new pollfd { fd = _active[i].Descriptor, events = Socket.POLLIN };
        }

        foreach (var tunnel in _tunnels)
        {
            _pollSet[count++] = new pollfd { fd = tunnel.Descriptor, events = Socket.POLLIN };
        }

        var limitMs = isWithheld ? 1 : isStopping ? Math.Min(timeoutMs, 10) : timeoutMs;
        int ready;
        fixed (pollfd* set = _pollSet)
        {
            ready = SystemCalls.Poll(set, (nuint)count, limitMs);
        }

        if (ready < 0 && SystemCalls.LastError != SystemCalls.EINTR)
        {
            Fault = $"Waiting for frames failed: {SystemError.Describe(SystemCalls.LastError)}.";
            return false;
        }

        for (var i = 0; i < count && ready > 0; i++)
        {
            if ((_pollSet[i].revents & Socket.POLLERR) != 0)
            {
                ClearError(_pollSet[i].fd);
            }
        }

        return true;
    }

    // A bridge that goes down or away leaves ENETDOWN on the socket; reading the error clears it. The watcher follows up.
    private void ClearError(int descriptor)
    {
        int error;
        var length = (uint)sizeof(int);
        if (SystemCalls.GetSocketOption(descriptor, Socket.SOL_SOCKET, Socket.SO_ERROR, &error, &length) == 0
            && error is not 0 and not SystemCalls.ENETDOWN)
        {
            Fault = $"A capture ring failed: {SystemError.Describe(error)}.";
        }
    }

    private void SyncRings()
    {
        var desired = Volatile.Read(ref _desired);
        if (ReferenceEquals(desired, _active) && !_hasRetired)
        {
            return;
        }

        // Slow path, on a change of bridges only. A retired ring that is empty is closed here, on the thread that reads it.
        _hasRetired = false;
        var open = 0;
        foreach (var ring in desired)
        {
            if (IsRetiredAndEmpty(ring))
            {
                _closedDrops += ring.ReadDrops(out var frames);
                _closedFrames += frames;
                ring.ReleaseFinished();
                ring.Dispose();
            }

            _hasRetired |= !ring.IsClosed && ring.RetiredTicks != 0;
            open += ring.IsClosed ? 0 : 1;
        }

        var kept = open == desired.Length ? desired : Array.FindAll(desired, ring => !ring.IsClosed);
        _ = Interlocked.CompareExchange(ref _desired, kept, desired);
        _active = kept;
    }

    private bool IsRetiredAndEmpty(PacketRing ring) =>
        !ring.IsClosed && ring.RetiredTicks != 0
        && Stopwatch.GetElapsedTime(ring.RetiredTicks).Ticks * 100 > 2 * _holdNs
        && ring.PeekNs() == long.MaxValue;

    private static long NowNs() => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * 100;
}
