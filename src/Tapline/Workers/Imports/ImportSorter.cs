// Puts frames that a capture has out of order into the order of time, in bounded memory: those that wait leave by time, and one
// that comes too late for that begins a new run, which is sorted likewise (replacement selection, Knuth 5.4.1). So a capture
// that is out of order by less than the memory holds becomes one run, and any other as few as can be. One thread.
using System.Buffers;
using Tapline.Base;

namespace Tapline.Workers.Imports;

/// <summary>A bounded queue by time.</summary>
internal sealed class ImportSorter(IImportTaker taker, int bytesMax)
{
    private readonly PriorityQueue<Waiting, (long Run, long TimeNs, long Number)> _queue = new();
    private long _number;
    private long _run;
    private long _bytes;
    private long _lastNs = long.MinValue;

    public void Put(in FrameMeta meta, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> options)
    {
        var copy = ArrayPool<byte>.Shared.Rent(frame.Length + options.Length);
        frame.CopyTo(copy);
        options.CopyTo(copy.AsSpan(frame.Length));
        var run = meta.TimestampNs < _lastNs ? _run + 1 : _run;
        _queue.Enqueue(new Waiting(meta, copy, frame.Length, options.Length), (run, meta.TimestampNs, _number++));
        _bytes += copy.Length;
        while (_bytes > bytesMax)
        {
            Leave();
        }
    }

    /// <summary>Lets go all that is left.</summary>
    public void End()
    {
        while (_queue.Count > 0)
        {
            Leave();
        }
    }

    private void Leave()
    {
        Invariant.Check(_queue.TryDequeue(out var next, out var key));
        if (key.Run != _run)
        {
            _run = key.Run;
            taker.BeginRun();
        }

        _lastNs = key.TimeNs;
        _bytes -= next.Memory.Length;
        taker.Take(next.Meta, next.Memory.AsSpan(0, next.FrameBytes), next.Memory.AsSpan(next.FrameBytes, next.OptionBytes));
        ArrayPool<byte>.Shared.Return(next.Memory);
    }

    private readonly record struct Waiting(FrameMeta Meta, byte[] Memory, int FrameBytes, int OptionBytes);
}
