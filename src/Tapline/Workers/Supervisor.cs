// The engine's second hand: once a second it settles who lost what, writes the ledger's rows, tells recorders of ring
// losses and looks whether every worker still moves. A worker that stands still for too long ends the process: whoever
// supervises it starts a new one, and a tap that silently sees nothing is worse than a tap that restarts.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>The supervising thread of an engine.</summary>
internal sealed class Supervisor : IDisposable
{
    private const int TickMs = 1000;

    // The runtime's own start-up (tiered compilation, first use of buffers) settles in this time after the last change.
    private const int SteadyTicks = 5;

    /// <summary>Twice the calls after which the runtime compiles a method for good.</summary>
    internal const int WarmUpTurns = 64;

    private readonly EngineParts _parts;
    private readonly LedgerView _view;
    private readonly LedgerRows? _rows;
    private readonly SpoolWriter? _spool;
    private readonly Watchdog _watchdog;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();
    private long _second;
    private int _generation = -1;
    private int _mirrors = -1;
    private int _ticksSinceChange;
    private long _allocatedBaseline;

    public Supervisor(EngineParts parts, Watchdog watchdog)
    {
        _parts = parts;
        _watchdog = watchdog;
        _view = parts.NewView();
        _spool = parts.SupervisorSpool;
        _rows = _spool is null ? null : new LedgerRows(_spool, parts.Recorders.Length > 0);
        _thread = new Thread(Run) { Name = "tapline-ledger", IsBackground = true };
    }

    /// <summary>Managed bytes allocated by the process since its steady state; 0 before that. Any thread.</summary>
    public long AllocatedBytes
    {
        get
        {
            var baseline = Volatile.Read(ref _allocatedBaseline);
            return baseline == 0 ? 0 : Math.Max(0, GC.GetTotalAllocatedBytes(false) - baseline);
        }
    }

    public void Start()
    {
        _second = Clock.NowNs();
        _thread.Start();
    }

    /// <summary>Ends the thread; the last rows are written by <see cref="Finish"/>.</summary>
    public void Stop()
    {
        _stop.Set();
        _thread.Join();
    }

    /// <summary>After the workers have ended: nothing waits in rings any more, the ledger is exact.</summary>
    public void Finish()
    {
        _view.Read();
        _parts.Losses.Settle(_view.Arrived, _view.Captured);
        WriteRows();
        _spool?.EndBatch(Clock.NowNs());
        _spool?.Close();
    }

    public void Dispose() => _stop.Dispose();

    private void Run()
    {
        // What runs once a second would reach the runtime's final compilation half a minute after the start, and each time
        // the runtime starts a thread for that. Done at once it belongs to the start.
        for (var i = 0; i < WarmUpTurns; i++)
        {
            ShareLosses();
            _rows?.Write(_view, _parts.Losses, _parts.Mirrors.All, _second);
            _spool?.EndBatch(_second);
            _watchdog.Look(_parts.Workers);
            _ = AllocatedBytes;
        }

        while (!_stop.Wait(TickMs))
        {
            Tick();
        }
    }

    /// <summary>Brings the losses by point up to date. Any thread; seconds apart.</summary>
    public void ShareLosses()
    {
        lock (_parts)
        {
            _view.Read();
            _parts.Losses.Share(_view.SocketDrops, _view.Arrived, _view.Captured);
        }
    }

    private void Tick()
    {
        _parts.Mirrors.Beat();
        ShareLosses();
        FollowChanges();
        WriteRows();
        _spool?.EndBatch(Clock.NowNs());
        _watchdog.Look(_parts.Workers);
    }

    private void WriteRows()
    {
        _rows?.Write(_view, _parts.Losses, _parts.Mirrors.All, _second);
        _second = Clock.NowNs();
    }

    private void FollowChanges()
    {
        if (_mirrors != _parts.Mirrors.Book.Current.Generation)
        {
            _mirrors = _parts.Mirrors.Book.Current.Generation;
            _ticksSinceChange = 0;
        }

        if (_generation != _parts.Capture.PointsGeneration)
        {
            _generation = _parts.Capture.PointsGeneration;
            _ticksSinceChange = 0;
            foreach (var live in _view.Points)
            {
                _spool?.AddPoint(PointNames.Describe(live.Point));
            }
        }

        if (_ticksSinceChange++ <= SteadyTicks)
        {
            Volatile.Write(ref _allocatedBaseline, GC.GetTotalAllocatedBytes(false));
        }
    }
}
