// Waits for a condition instead of sleeping for a guess. The limit is a safety net for a broken test, not an assertion.
using System.Diagnostics;

namespace Tapline.Lab.Net;

/// <summary>Waiting for conditions.</summary>
public static class LabWait
{
    private static readonly TimeSpan s_limitDefault = TimeSpan.FromSeconds(30);

    public static void Until(Func<bool> condition, Func<string> what, TimeSpan? limit = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > (limit ?? s_limitDefault))
            {
                throw new TimeoutException($"waited {watch.Elapsed.TotalSeconds:F0} s in vain for {what()}");
            }

            Thread.Sleep(10);
        }
    }

    public static void Until(Func<bool> condition, string what, TimeSpan? limit = null) => Until(condition, () => what, limit);
}
