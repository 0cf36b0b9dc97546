// Waits until a moment, to some microseconds, without keeping a processor busy: clock_nanosleep(2) to an absolute time, with
// the thread's timer slack taken away, which otherwise lets the kernel be 50 us late (prctl(2), PR_SET_TIMERSLACK).
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Absolute waits on the clock of <see cref="Clock.MonotonicNs"/>. Any thread.</summary>
internal static unsafe partial class PreciseWait
{
    private const int CLOCK_MONOTONIC = 1;
    private const int TIMER_ABSTIME = 1;
    private const int PR_SET_TIMERSLACK = 29;

    /// <summary>The calling thread's waits end within microseconds from now on.</summary>
    public static void Sharpen() => _ = prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);

    /// <summary>Waits; a signal may end it early.</summary>
    public static void Until(long monotonicNs)
    {
        var time = new TimeSpec { Seconds = monotonicNs / Clock.SecondNs, Nanoseconds = monotonicNs % Clock.SecondNs };
        _ = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, null);
    }

    /// <summary>Waits for a span of time in ns.</summary>
    public static void For(long ns) => Until(Clock.MonotonicNs() + ns);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc")]
    private static partial int clock_nanosleep(int clock, int flags, TimeSpec* request, TimeSpec* remaining);

    [LibraryImport("libc")]
    private static partial int prctl(int option, ulong value, ulong third, ulong fourth, ulong fifth);
}
