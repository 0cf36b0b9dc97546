// Waits for a condition that another thread brings about. The limit is only there so that a defect ends the test.
using System.Diagnostics;

namespace Tapline.Tests.Support;

/// <summary>Waiting without guessing a time.</summary>
internal static class Await
{
    public static bool Until(Func<bool> condition)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(30))
            {
                return false;
            }

            Thread.Yield();
        }

        return true;
    }
}
