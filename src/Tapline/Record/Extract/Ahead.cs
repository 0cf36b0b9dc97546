// Work that is done ahead of its use, by some threads at once, and taken in order: indexes are opened and judged while the packets of
// segments before them are read. Bounded: so many results wait at most. Results are the taker's. The first piece, and all where they
// are few, are done by the taker itself, without threads. Threads end when all is done or when it is disposed; what one is at
// then is finished unseen.
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
    private readonly object _gate = new();
    private readonly T?[] _results = new T?[count];
    private ExceptionDispatchInfo? _failure;
    private bool _isBegun;
    private bool _isOver;
    private int _next;
    private int _taken;

    /// <summary>The result of a piece, each taken once, one after the other; null when it was stopped.</summary>
    public T? Take(int number, CancellationToken stop)
    {
        if (count <= AloneMax)
        {
            return work(number);
        }

        if (number == 0)
        {
            return TakeFirst();
        }

        Begin();
        lock (_gate)
        {
            while (!stop.IsCancellationRequested)
            {
                _failure?.Throw();
                if (_results[number] is { } result)
                {
                    _results[number] = null;
                    _taken++;
                    Monitor.PulseAll(_gate);
                    return result;
                }

                Monitor.Wait(_gate, LookAgainMs);
            }
        }

        return null;
    }

    /// <summary>No more is wanted.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            Monitor.PulseAll(_gate);
        }
    }

    // What is wanted first is not kept waiting by what is done ahead of it.
    private T TakeFirst()
    {
        (_next, _taken) = (1, 1);
        var first = work(0);
        Begin();
        return first;
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
        while (TryBeginNext(out var number))
        {
            T? result = null;
            ExceptionDispatchInfo? failure = null;
            try
            {
                result = work(number);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }

            lock (_gate)
            {
                _results[number] = result;
                _failure ??= failure;
                Monitor.PulseAll(_gate);
            }
        }
    }

    // Waits while so much is done that nobody has taken.
    private bool TryBeginNext(out int number)
    {
        lock (_gate)
        {
            while (!_isOver && _next < count && _next - _taken >= WaitingMax)
            {
                Monitor.Wait(_gate);
            }

            number = _next;
            if (_isOver || number >= count)
            {
                return false;
            }

            _next++;
            return true;
        }
    }
}
