// Follows one canary through a session's ledger: frames leave in their order, so it has left when as many fates are known
// as were waiting with it, and it was lost when one of these was a loss. Written by the session's worker, read by any.
namespace Tapline.Mirror.Canary;

/// <summary>What became of a canary.</summary>
/// <param name="Number">Its number; 0 = none has come yet.</param>
/// <param name="IsKnown">The target has taken it, or not.</param>
/// <param name="IsSent">It was taken, by every place that the session sends to.</param>
public readonly record struct CanaryFate(long Number, bool IsKnown, bool IsSent);

/// <summary>The last canary of one session on one worker.</summary>
internal sealed class CanaryWitness
{
    // Number * 4 + known * 2 + sent, in one word that is never half written.
    private long _fate;
    private long _number;
    private long _isKnownAt = long.MaxValue;
    private long _droppedBefore;

    /// <summary>The last one's fate. Any thread.</summary>
    public CanaryFate Fate
    {
        get
        {
            var fate = Volatile.Read(ref _fate);
            return new CanaryFate(fate >> 2, (fate & 2) != 0, (fate & 1) != 0);
        }
    }

    /// <summary>A canary was handed over between these two readings of the ledger.</summary>
    public void Begin(long number, in MirrorCounters before, in MirrorCounters now)
    {
        _number = number;
        _droppedBefore = before.Dropped;
        _isKnownAt = now.Offered + now.Waiting;
        Volatile.Write(ref _fate, number << 2);
        Look(now);
    }

    /// <summary>The ledger now; called after each flush.</summary>
    public void Look(in MirrorCounters now)
    {
        if (now.Offered >= _isKnownAt)
        {
            _isKnownAt = long.MaxValue;
            Volatile.Write(ref _fate, (_number << 2) | 2 | (now.Dropped == _droppedBefore ? 1L : 0));
        }
    }
}
