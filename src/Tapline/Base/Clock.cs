// The wall clock for those few places that may look at it: the live loop when a ring is idle, the supervisor, the
// control socket. Frames carry their own time; nothing pure calls this.
using System.Diagnostics;

namespace Tapline.Base;

/// <summary>Time outside frames.</summary>
public static class Clock
{
    /// <summary>One second in the unit of all times here.</summary>
    public const long SecondNs = 1_000_000_000;

    private const long NsPerTick = 100;

    /// <summary>Nanoseconds since 1970-01-01 UTC, at the resolution of the runtime's clock (100 ns).</summary>
    public static long NowNs() => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * NsPerTick;

    /// <summary>Nanoseconds that only ever go forward, from an arbitrary origin.</summary>
    public static long MonotonicNs() =>
        (long)(Stopwatch.GetTimestamp() * ((double)SecondNs / Stopwatch.Frequency));
}
