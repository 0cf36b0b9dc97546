// Reads ahead for a replay, on a thread of its own: what the disk takes must not make frames late. In: a source. Out: selected
// frames in the order of time, into a bounded ring; when it is full the reader waits for the sender.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Workers.Past;

/// <summary>A source being read. Its thread calls <see cref="ReadAll"/>; the figures may be read by any.</summary>
internal abstract class ReplayReader(ReplayOptions options, FrameRing ring, ReplayPoints points)
{
    private const long FullPauseNs = 200_000;
    private long _read;
    private volatile bool _isOver;
    private volatile int _passes;
    private CancellationToken _stop;

    /// <summary>Frames that were selected and put into the ring, or are about to be.</summary>
    public long Read => Volatile.Read(ref _read);

    public int Passes => _passes;

    /// <summary>Nothing more comes into the ring.</summary>
    public bool IsOver => _isOver;

    public bool IsLimited => Read >= Options.Limit;

    public abstract long Examined { get; }

    public abstract long ReadBytes { get; }

    public abstract long TotalBytes { get; }

    public virtual long OutOfOrder => 0;

    public abstract IReadOnlyList<string> Holes { get; }

    public List<string> Faults { get; } = [];

    protected ReplayOptions Options => options;

    protected ReplayPoints Points => points;

    protected bool IsStopped => _stop.IsCancellationRequested;

    /// <summary>All passes, until the end or until stopped.</summary>
    public void ReadAll(CancellationToken stop)
    {
        _stop = stop;
        try
        {
            while (!stop.IsCancellationRequested && !IsLimited && (Options.Passes == 0 || _passes < Options.Passes))
            {
                var before = Read;
                _passes++;
                ReadOnce(stop);
                if (Read == before)
                {
                    break; // nothing to play, however often
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Faults.Add(e.Message);
        }
        finally
        {
            _isOver = true;
        }
    }

    /// <summary>One pass over the source.</summary>
    protected abstract void ReadOnce(CancellationToken stop);

    /// <summary>Gives a frame to the sender, waiting for room; false when it is over. The tag is the pass.</summary>
    protected bool Put(in FrameMeta meta, ReadOnlySpan<byte> frame)
    {
        while (!ring.TryPut(meta, frame, _passes))
        {
            if (IsStopped)
            {
                return false;
            }

            PreciseWait.For(FullPauseNs);
        }

        Volatile.Write(ref _read, _read + 1);
        return !IsLimited;
    }
}
