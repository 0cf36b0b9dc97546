// The seam between where frames come from (ring, file, tunnel listener) and the loop that walks the stages.
using Tapline.Base;

namespace Tapline.Capture;

/// <summary>What a lease brought.</summary>
public enum LeaseResult
{
    /// <summary>The batch holds at least one frame.</summary>
    Frames,

    /// <summary>Nothing arrived within the waiting time; ask again.</summary>
    Idle,

    /// <summary>The source has ended (end of file, or it was stopped and is drained).</summary>
    End,

    /// <summary>The source has a fault (<see cref="IFrameSource.Fault"/>); all frames before it were delivered.</summary>
    Faulted,
}

/// <summary>
/// A source of frames for one worker. The source owns the bytes; the worker borrows them between
/// <see cref="Lease"/> and <see cref="Release"/>, always on the same thread. No allocation per frame or batch.
/// </summary>
public interface IFrameSource : IDisposable
{
    /// <summary>The fault that ended the source, as one sentence naming the place and the mend; null when none.</summary>
    string? Fault { get; }

    /// <summary>Fills <paramref name="batch"/> with up to <see cref="Limits.BatchFramesMax"/> frames.</summary>
    LeaseResult Lease(FrameBatch batch, int timeoutMs);

    /// <summary>Gives the batch's bytes back; its spans are invalid from here on.</summary>
    void Release(FrameBatch batch);
}
