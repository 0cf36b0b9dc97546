// Work that is done ahead of its use, by some threads at once, and taken in order: indexes are opened and judged while the packets of
// segments before them are read. Bounded: so many results wait at most. Results are the taker's. A few pieces are done by
// the taker itself, without threads. Threads end when all is done or when it is disposed; what one is at then is finished unseen.
using System.Runtime.ExceptionServices;

namespace Tapline.Record.Extract;

/// <summary>Results of numbered pieces of work, in order.</summary>
/// <param name="count">Pieces.</param>
/// <param name="work">Does one; called from several threads.</param>
internal sealed class Ahead<T>(int count, Func<int, T> work) : IDisposable
    where T : class
{
    private const int WaitingMax = 32;
    private const int ThreadsMax = 8;
    private const int ThreadsPerProcessor = 2; // one reads, one judges
    private const int AloneMax = 2;
    private const int LookAgainMs = 50;
    private readonly Lock _lock = new();
    private readonly T?[] _results = new T?[count];
    private readonly ManualResetEventSlim _changed = new(false, spinCount: 0); // the processor is the others'
    private readonly SemaphoreSlim _room = new(Math.Min(WaitingMax, count));
    private ExceptionDispatchInfo? _failure;
    private bool _isBegun;
    private int _next = -1;
    private volatile bool _isOver;

    /// <summary>The result of a piece, each taken once, one after the other; null when it was stopped.</summary>
    public T? Take(int number, CancellationToken stop)
    {
        if (count <= AloneMax)
        {
            return work(number);
        }

        Begin();
        while (!stop.IsCancellationRequested)
        {
            _changed.Reset();
            lock (_lock)
            {
                _failure?.Throw();
                if (_results[number] is { } result)
                {
                    _results[number] = null;
                    _room.Release();
                    return result;
                }
            }

            _ = _changed.Wait(LookAgainMs, CancellationToken.None);
        }

        return null;
    }

    /// <summary>No more is wanted.</summary>
    public void Dispose()
    {
        _isOver = true;
        _room.Release(ThreadsMax);
    }

    private void Begin()
    {
        if (_isBegun)
        {
            return;
        }

        _isBegun = true;
        for (var i = 0; i < Math.Min(Math.Min(ThreadsMax, count), ThreadsPerProcessor * Environment.ProcessorCount); i++)
        {
            new Thread(Run) { IsBackground = true, Name = $"query-{i}" }.Start();
        }
    }

    private void Run()
    {
        while (true)
        {
            _room.Wait();
            var number = Interlocked.Increment(ref _next);
            if (_isOver || number >= count)
            {
                return;
            }

            try
            {
                var result = work(number);
                lock (_lock)
                {
                    _results[number] = result;
                }
            }
            catch (Exception e)
            {
                lock (_lock)
                {
                    _failure ??= ExceptionDispatchInfo.Capture(e);
                }
            }

            _changed.Set();
        }
    }
}
