// The same query again and again inside one process, as a console that is already running asks: what is left of a query's time when
// no program has to start. `Tapline.Bench query DATA EXPRESSION [ROUNDS]`.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Extract;

namespace Tapline.Bench;

/// <summary>Times of a query.</summary>
internal static class QueryLatency
{
    public static int Run(string data, string expression, int rounds)
    {
        var folder = Path.Combine(data, "recording");
        var times = new List<double>();
        var first = new List<double>();
        ExtractReport? report = null;
        for (var round = 0; round < rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            if (ExtractFilter.Compile(expression, out var error) is not { } filter)
            {
                Console.Error.WriteLine(error);
                return 1;
            }

            var options = new ExtractOptions { Folder = folder, Filter = filter };
            if (ExtractPlan.Make(options, out error) is not { } plan)
            {
                Console.Error.WriteLine(error);
                return 1;
            }

            var planned = watch.Elapsed.TotalMilliseconds;
            var sink = new FirstSink(watch);
            report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
            times.Add(watch.Elapsed.TotalMilliseconds);
            first.Add(sink.FirstMs);
            if (round < 3)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"round {round}: plan {planned:F1} ms, all {times[^1]:F1} ms"));
            }
        }

        times.Sort();
        first.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report!.Selected} of {report.Examined} examined, {report.SegmentsRead} segments read, "
            + $"{report.SegmentsRefused} refused, {report.ReadBytes} bytes; "
            + $"median {times[times.Count / 2]:F1} ms, p95 {times[(int)(times.Count * 0.95)]:F1} ms, "
            + $"first frame {first[first.Count / 2]:F1} ms"));
        return 0;
    }

    private sealed class FirstSink(Stopwatch watch) : IExtractSink
    {
        public double FirstMs { get; private set; }

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) =>
            FirstMs = FirstMs == 0 ? watch.Elapsed.TotalMilliseconds : FirstMs;

        public void Rest()
        {
        }
    }
}
