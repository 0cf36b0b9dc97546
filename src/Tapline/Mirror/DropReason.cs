// Why a frame that was wanted did not leave. Each reason has its counter in MirrorCounters.
namespace Tapline.Mirror;

/// <summary>The reason of a dropped copy.</summary>
public enum DropReason : byte
{
    None = 0,
    Busy = 1,
    TooLong = 2,
    TargetDown = 3,
    Error = 4,

    /// <summary>Above the session's rate cap.</summary>
    RateCapped = 5,

    /// <summary>Given up for frames of more value, because the target is slow.</summary>
    Shed = 6,

    /// <summary>
    /// No drop: the target has no use for the frame, because nobody reads it or because it is the target's own. Counted as
    /// filtered.
    /// </summary>
    Unwanted = 7,
}
