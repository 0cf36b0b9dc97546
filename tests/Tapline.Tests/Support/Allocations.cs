// Counts what a loop allocates. The runtime itself allocates on any thread now and then (a method that is compiled anew
// while it runs), so the loop is measured several times: what allocates per frame does so every time.
namespace Tapline.Tests.Support;

/// <summary>Managed bytes per run.</summary>
internal static class Allocations
{
    private const int RoundsMax = 5;

    /// <summary>The least that one of several runs of <paramref name="body"/> allocated on this thread, in bytes.</summary>
    public static long LeastOf(Action body) => LeastMeasuredOf(() =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        body();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    /// <summary>The same for runs that measure a part of themselves.</summary>
    public static long LeastMeasuredOf(Func<long> measured)
    {
        var least = long.MaxValue;
        for (var round = 0; round < RoundsMax && least > 0; round++)
        {
            least = Math.Min(least, measured());
        }

        return least;
    }

    /// <summary>The same for what can't be repeated: all its parts run, once; <paramref name="body"/> gets 0, 1, ….</summary>
    public static long LeastOfParts(int parts, Action<int> body)
    {
        var least = long.MaxValue;
        for (var part = 0; part < parts; part++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            body(part);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
