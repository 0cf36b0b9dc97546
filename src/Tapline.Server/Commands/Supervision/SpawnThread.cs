// The thread from which all children are started. PR_SET_PDEATHSIG fires when the parent's *thread* ends, not its
// process: a child started from a pool thread would be told to end whenever the pool shrinks.
using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tapline.Server.Commands.Supervision;

/// <summary>Starts processes on one thread that lives as long as this object.</summary>
internal sealed class SpawnThread : IDisposable
{
    private readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Done)> _orders = [];
    private readonly Thread _thread;

    public SpawnThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "spawn" };
        _thread.Start();
    }

    public Task<Process> StartAsync(ProcessStartInfo start)
    {
        var done = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _orders.Add((start, done));
        return done.Task;
    }

    /// <summary>Call only when no child runs any more.</summary>
    public void Dispose()
    {
        _orders.CompleteAdding();
        _thread.Join();
        _orders.Dispose();
    }

    private void Run()
    {
        foreach (var (start, done) in _orders.GetConsumingEnumerable())
        {
            try
            {
                done.SetResult(Process.Start(start)!);
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }
}
