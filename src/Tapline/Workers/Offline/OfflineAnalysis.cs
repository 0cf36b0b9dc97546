// Capture files in, one merged result out: frames decoded once, flows followed in file order, however many threads share
// the work. Every sum and every record is the same for any number of them.
using Tapline.Flows;

namespace Tapline.Workers.Offline;

/// <summary>Analyses capture files on the calling thread and, where asked, on further ones.</summary>
public static class OfflineAnalysis
{
    private const int ProgressMs = 200;

    /// <summary>Runs to the end of the last file.</summary>
    /// <param name="options">The orders.</param>
    /// <param name="progress">Called now and then on another thread with frames read, bytes read and bytes in all.</param>
    public static OfflineResult Run(OfflineOptions options, Action<long, long, long>? progress = null)
    {
        using var input = new OfflineInput(options.Files, options.Chains) { PointsAdded = options.PointsAdded };
        using var timer = progress is null ? null : new Timer(
            _ => progress(input.FramesRead, input.BytesRead, input.TotalBytes), null, ProgressMs, ProgressMs);
        var owners = Math.Clamp(options.Workers, 1, Base.Limits.WorkersMax);
        var workers = new OfflineWorker[owners];
        try
        {
            workers[0] = new OfflineWorker(options, 0, owners);
            if (owners == 1)
            {
                workers[0].RunAlone(input);
            }
            else
            {
                RunTogether(options, input, workers);
            }

            return Merge(options, input, workers);
        }
        finally
        {
            Array.ForEach(workers, w => w?.Dispose());
        }
    }

    private static void RunTogether(OfflineOptions options, OfflineInput input, OfflineWorker[] workers)
    {
        using var exchange = new BlockExchange(input, workers.Length);
        var threads = new Thread[workers.Length - 1];
        for (var t = 0; t < threads.Length; t++)
        {
            // Each makes its counters itself: what two threads allocate never shares a cache line.
            var index = t + 1;
            threads[t] = new Thread(() =>
            {
                workers[index] = new OfflineWorker(options, index, workers.Length);
                workers[index].RunShare(exchange);
            })
            {
                Name = $"tapline-r{index}",
                IsBackground = true,
            };
            threads[t].Start();
        }

        workers[0].RunShare(exchange);
        Array.ForEach(threads, t => t.Join());
        foreach (var worker in workers)
        {
            if (worker.Failure is { } failure)
            {
                throw new InvalidOperationException(failure.Message, failure);
            }
        }
    }

    private static OfflineResult Merge(OfflineOptions options, OfflineInput input, OfflineWorker[] workers)
    {
        var counters = workers[0].Counters;
        for (var w = 1; w < workers.Length; w++)
        {
            workers[0].Tally.Add(workers[w].Tally, input.Interfaces.Count);
            workers[0].Flows.Add(workers[w].Flows);
            FlowCounterSum.Add(ref counters, workers[w].Counters);
            workers[w].Tally.Dispose();
            workers[w].Flows.Dispose();
        }

        return new OfflineResult
        {
            Files = input.FilesRead,
            Tally = workers[0].Tally,
            Flows = workers[0].Flows,
            FlowCounters = counters,
            Points = input.Interfaces,
            Machines = options.Machines,
            Faults = input.Faults,
        };
    }
}
