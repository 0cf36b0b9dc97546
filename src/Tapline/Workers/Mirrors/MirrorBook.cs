// Where the control thread and the workers meet over mirror sessions: one publishes sets, each worker takes the newest
// between two batches and says which one it follows. A session that all workers have left can be disposed.
namespace Tapline.Workers;

/// <summary>The set in force. Any thread.</summary>
internal sealed class MirrorBook
{
    private const int Ended = int.MaxValue;
    private readonly int[] _followed;
    private MirrorSet _current;

    public MirrorBook(int workers, IReadOnlyList<RunningMirror> first)
    {
        _followed = new int[workers];
        _current = new MirrorSet(1, workers, first);
    }

    /// <summary>The newest set.</summary>
    public MirrorSet Current => Volatile.Read(ref _current);

    /// <summary>Puts other sessions into force. One thread at a time.</summary>
    public MirrorSet Publish(IReadOnlyList<RunningMirror> running)
    {
        var next = new MirrorSet(Current.Generation + 1, _followed.Length, running);
        Volatile.Write(ref _current, next);
        return next;
    }

    /// <summary>The worker offers frames to this set and no other from now on.</summary>
    public void Follow(int worker, MirrorSet set) => Volatile.Write(ref _followed[worker], set.Generation);

    /// <summary>The worker offers no frames any more.</summary>
    public void Leave(int worker) => Volatile.Write(ref _followed[worker], Ended);

    /// <summary>True when no worker uses an earlier set.</summary>
    public bool IsFollowed(MirrorSet set)
    {
        for (var w = 0; w < _followed.Length; w++)
        {
            if (Volatile.Read(ref _followed[w]) < set.Generation)
            {
                return false;
            }
        }

        return true;
    }
}
