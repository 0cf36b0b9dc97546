// One thread against two on the same capture file in the same process, alternating, so that only the sharing of the work
// differs: `Tapline.Bench scaling FILE [ROUNDS]`.
using System.Diagnostics;
using System.Globalization;
using Tapline.Workers.Offline;

namespace Tapline.Bench;

/// <summary>Wall and CPU time of the offline analysis by number of threads.</summary>
internal static class OfflineScaling
{
    public static int Run(string file, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var one = Measure(file, 1);
            var two = Measure(file, 2);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"1 thread {one.Wall:F3} s ({one.Cpu:F3} cpu)   2 threads {two.Wall:F3} s ({two.Cpu:F3} cpu)")
                + string.Create(CultureInfo.InvariantCulture, $"   ratio {one.Wall / two.Wall:F2}"));
        }

        return 0;
    }

    private static (double Wall, double Cpu) Measure(string file, int workers)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        using var result = OfflineAnalysis.Run(new OfflineOptions { Files = [file], Workers = workers });
        return (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }
}
