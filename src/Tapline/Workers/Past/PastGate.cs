// Where a worker and the reader of a session's past meet. As long as the session is in the past the reader's thread offers it frames, and
// the worker only counts what the recording will lack. To join, the worker notes after a batch how many frames its recorders have taken and
// keeps copies of what follows, in order; the reader reads up to exactly that frame, plays the copies, and gives the session back with
// the few that are left. When the copies do not fit, they are thrown away and a later place is noted: the recording has them.
// No waiting on either side. docs/adr/0067-past.md.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Record;

namespace Tapline.Workers.Past;

/// <summary>One session's gate on one worker. The worker's thread and the reader's, each its own methods.</summary>
internal sealed class PastGate : IDisposable
{
    private const AppendResult Recorded = AppendResult.Recorded;

    // A present that comes as fast as the reader plays is the worker's business in the end.
    private const long ReaderPlaysMax = 4L * Limits.PastRingFrames;
    private readonly long[] _accepted = new long[RecordersMax];
    private readonly long[] _lost = new long[RecordersMax];
    private FrameRing? _copies;
    private int _state;
    private long _lacksDropped;
    private long _lacksFiltered;
    private long _busy;

    // Of the copies that wait: those that the recording lacks.
    private long _pendingDropped;
    private long _pendingFiltered;

    /// <param name="session">The worker's instance.</param>
    /// <param name="copiesMax">Copies that are kept at most, a power of two.</param>
    public PastGate(MirrorSession session, int copiesMax)
    {
        Session = session;
        _copies = new FrameRing(copiesMax, Limits.PastRingBytes);
    }

    /// <summary>Recorders of one worker at most: one for each class.</summary>
    public const int RecordersMax = 64;

    /// <summary>The way of a session out of the past.</summary>
    public enum Step
    {
        /// <summary>The reader offers; nothing is kept.</summary>
        Past,

        /// <summary>The reader has come to the end of what is on disk: the worker is to note its place.</summary>
        Wanted,

        /// <summary>The worker keeps copies of what follows.</summary>
        Keeping,

        /// <summary>The reader wants no copies any more, and waits until the worker knows.</summary>
        GivenUp,

        /// <summary>The copies did not fit, or were given up: they are the reader's to throw away.</summary>
        Overflown,

        /// <summary>The reader is at the noted place and plays the copies.</summary>
        Playing,

        /// <summary>The reader is done: what is left of the copies, and the session, are the worker's.</summary>
        Returned,

        /// <summary>The worker offers.</summary>
        Live,
    }

    public MirrorSession Session { get; }

    /// <summary>Where it is. Any thread.</summary>
    public Step State => (Step)Volatile.Read(ref _state);

    /// <summary>True when the session is the worker's; on the worker's thread, or when that has ended.</summary>
    public bool IsLive => State == Step.Live;

    /// <summary>Frames that the session wanted and the recorder lost since the session began. Any thread.</summary>
    public long LacksDropped => Volatile.Read(ref _lacksDropped);

    /// <summary>Frames that the session wanted and the recorder did not.</summary>
    public long LacksFiltered => Volatile.Read(ref _lacksFiltered);

    /// <summary>Copies that found no room while earlier ones were being played: offered, and dropped as busy.</summary>
    public long Busy => Volatile.Read(ref _busy);

    /// <summary>Worker: a batch that has been recorded.</summary>
    /// <param name="batch">Its frames.</param>
    /// <param name="layouts">Their layouts.</param>
    /// <param name="appended">What the recorder said; any value beyond its own = it did not want the frame.</param>
    /// <param name="hasEvent">What the flow table said.</param>
    /// <param name="isCanary">Frames that are none of a machine's; empty = there are none.</param>
    public void Take(
        FrameBatch batch, ReadOnlySpan<FrameLayout> layouts, ReadOnlySpan<AppendResult> appended, ReadOnlySpan<bool> hasEvent,
        ReadOnlySpan<bool> isCanary)
    {
        if (State == Step.Returned)
        {
            TakeOver();
            for (var i = 0; i < batch.Count; i++)
            {
                Session.Offer(batch.Meta(i), layouts[i], batch.Bytes(i), hasEvent[i]);
            }

            return;
        }

        var isKept = State is Step.Keeping or Step.Playing or Step.Returned;
        for (var i = 0; i < batch.Count; i++)
        {
            if (!isCanary.IsEmpty && isCanary[i])
            {
                continue;
            }

            ref readonly var meta = ref batch.Meta(i);
            var frame = batch.Bytes(i);
            if (isKept && Session.IsSource(meta.PointId) && !_copies!.TryPut(meta, frame, hasEvent[i] ? 1 : 0))
            {
                isKept = !TryOverflow();
                if (isKept && Session.Wants(meta, layouts[i], frame))
                {
                    Volatile.Write(ref _busy, _busy + 1);
                }
            }

            if (appended[i] != Recorded && Session.Wants(meta, layouts[i], frame))
            {
                CountLack(appended[i], isKept);
            }
        }
    }

    /// <summary>Worker: after each batch and when idle. The session is the worker's when this returns true.</summary>
    /// <param name="recorders">The worker's recorders.</param>
    public bool Turn(ReadOnlySpan<SegmentRecorder> recorders)
    {
        switch (State)
        {
            case Step.Wanted:
                for (var r = 0; r < recorders.Length; r++)
                {
                    _lost[r] = recorders[r].LostAfterwards;
                    _accepted[r] = recorders[r].Accepted;
                }

                Volatile.Write(ref _state, (int)Step.Keeping);
                return false;
            case Step.GivenUp:
                CountPending();
                Volatile.Write(ref _state, (int)Step.Overflown);
                return false;
            case Step.Returned:
                TakeOver();
                return true;
            case Step.Live:
                return true;
            default:
                return false;
        }
    }

    /// <summary>Reader: the end of what is on disk is reached.</summary>
    public void Want()
    {
        Invariant.Check(State == Step.Past);
        Volatile.Write(ref _state, (int)Step.Wanted);
    }

    /// <summary>Reader: frames of a recorder that were taken when the place was noted.</summary>
    public long AcceptedAt(int recorder) => _accepted[recorder];

    /// <summary>Reader: frames of it that were known to be lost then.</summary>
    public long LostAt(int recorder) => _lost[recorder];

    /// <summary>Reader: the noted place is of no use; the copies go.</summary>
    public void GiveUp() => Interlocked.CompareExchange(ref _state, (int)Step.GivenUp, (int)Step.Keeping);

    /// <summary>Reader: throws the copies away after an overflow.</summary>
    public void Forget()
    {
        Invariant.Check(State == Step.Overflown);
        _copies!.Clear();
        Volatile.Write(ref _state, (int)Step.Past);
    }

    /// <summary>Reader: everything up to the noted place has been offered. Plays the copies and gives the session back; false when they
    /// had overflown before.</summary>
    public bool TryReturn(int left)
    {
        if (Interlocked.CompareExchange(ref _state, (int)Step.Playing, (int)Step.Keeping) != (int)Step.Keeping)
        {
            return false;
        }

        Play(left, ReaderPlaysMax);
        Session.EndBatch();
        Volatile.Write(ref _state, (int)Step.Returned);
        return true;
    }

    /// <summary>Reader: the session is live; the memory goes.</summary>
    public void Release()
    {
        _copies?.Dispose();
        _copies = null;
    }

    public void Dispose() => Release();

    // Worker: plays what is left; from here on the session is its own.
    private void TakeOver()
    {
        Play(0, long.MaxValue);
        Session.EndBatch();
        (_pendingDropped, _pendingFiltered) = (0, 0);
        Volatile.Write(ref _state, (int)Step.Live);
    }

    private void Play(int left, long playedMax)
    {
        var copies = _copies!;
        var played = 0L;
        for (; played < playedMax && copies.Count > left && copies.TryPeek(out var meta, out var frame, out var tag); copies.Pop())
        {
            FrameDecoder.Decode(frame, meta, out var layout);
            Session.Offer(meta, layout, frame, tag != 0);
            if (++played % Limits.BatchFramesMax == 0)
            {
                Session.EndBatch();
            }
        }
    }

    // False: the reader is playing already, so the copies must stay.
    private bool TryOverflow()
    {
        if (Interlocked.CompareExchange(ref _state, (int)Step.Overflown, (int)Step.Keeping) != (int)Step.Keeping
            && State != Step.GivenUp)
        {
            return false;
        }

        CountPending();
        if (State == Step.GivenUp)
        {
            Volatile.Write(ref _state, (int)Step.Overflown);
        }

        return true;
    }

    private void CountLack(AppendResult result, bool isKept)
    {
        var isDropped = result <= AppendResult.DroppedClosed;
        if (isKept)
        {
            _pendingDropped += isDropped ? 1 : 0;
            _pendingFiltered += isDropped ? 0 : 1;
            return;
        }

        Volatile.Write(ref _lacksDropped, _lacksDropped + (isDropped ? 1 : 0));
        Volatile.Write(ref _lacksFiltered, _lacksFiltered + (isDropped ? 0 : 1));
    }

    private void CountPending()
    {
        Volatile.Write(ref _lacksDropped, _lacksDropped + _pendingDropped);
        Volatile.Write(ref _lacksFiltered, _lacksFiltered + _pendingFiltered);
        (_pendingDropped, _pendingFiltered) = (0, 0);
    }
}
