// A worker's sign of life is its turn counter, which rises with each lease, frames or not. When it stands still for the
// agreed time something in a stage blocks or spins for ever, and no flag can reach that thread any more.
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>Notices stuck workers. One thread.</summary>
public sealed class Watchdog(long limitNs, Action<string> onStuck)
{
    private readonly long[] _beats = new long[Limits.WorkersMax];
    private readonly long[] _seenNs = new long[Limits.WorkersMax];

    /// <summary>Looks at all workers; calls back with a sentence for the first that is stuck.</summary>
    public void Look(Worker[] workers) => Look(workers, Clock.MonotonicNs());

    internal void Look(Worker[] workers, long nowNs)
    {
        foreach (var worker in workers)
        {
            if (IsStuck(worker.Index, worker.Counts.Beats, nowNs) && !worker.IsEnding && !worker.Join(TimeSpan.Zero))
            {
                onStuck($"Worker {worker.Index} has not moved for {limitNs / Clock.SecondNs} seconds; the engine ends "
                    + "so that its supervisor can start it anew.");
                return;
            }
        }
    }

    internal bool IsStuck(int worker, long beats, long nowNs)
    {
        if (_beats[worker] != beats || _seenNs[worker] == 0)
        {
            _beats[worker] = beats;
            _seenNs[worker] = nowNs;
        }

        return nowNs - _seenNs[worker] > limitNs;
    }
}
