// Question of ADR 0002: what does a console's garbage cost a worker in the same process, and what in another one? A worker
// thread works in steps of some microseconds, without allocating, and notes the gaps between its steps; beside it a thread does what
// a console does (JSON in and out, dictionaries, strings), paced like a busy one. Once in this process, once in a child.
using System.Diagnostics;
using System.Text.Json;

namespace Tapline.Bench;

/// <summary>Gaps of a working thread beside an allocating one, in one process and in two.</summary>
internal static class ProcessSplit
{
    private const int GapsMax = 1 << 20;
    private const double GapNs = 1_000_000;

    /// <summary>Runs both, in turn, <paramref name="rounds"/> times.</summary>
    public static void Run(int rounds, int seconds)
    {
        Console.WriteLine("a worker's gaps above 1 ms beside a console's work; seconds each, sums over the run");
        for (var round = 0; round < rounds; round++)
        {
            Measure("alone", seconds, () => null);
            Measure("one process", seconds, () =>
            {
                var stop = new CancellationTokenSource();
                var thread = new Thread(() => Churn(stop.Token)) { IsBackground = true };
                thread.Start();
                return () =>
                {
                    stop.Cancel();
                    thread.Join();
                };
            });
            Measure("two processes", seconds, () =>
            {
                var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["churn"]) { UseShellExecute = false })!;
                Thread.Sleep(500); // its start-up is not the question
                return () =>
                {
                    child.Kill();
                    child.WaitForExit();
                    child.Dispose();
                };
            });
        }
    }

    /// <summary>A console's work until told otherwise: snapshots parsed, kept for a while, and served again.</summary>
    public static void Churn(CancellationToken stop)
    {
        var kept = new Queue<Dictionary<string, string>>();
        while (!stop.IsCancellationRequested)
        {
            var rows = Enumerable.Range(0, 2000).ToDictionary(i => $"point{i}", i => $"{i * 7919} frames of vm{i % 200}");
            var text = JsonSerializer.SerializeToUtf8Bytes(rows);
            kept.Enqueue(JsonSerializer.Deserialize<Dictionary<string, string>>(text)!);
            if (kept.Count > 200)
            {
                kept.Dequeue();
            }

            Thread.Sleep(2);
        }
    }

    private static void Measure(string name, int seconds, Func<Action?> begin)
    {
        var gaps = new long[GapsMax];
        var end = begin();
        var pausedBefore = GC.GetTotalPauseDuration();
        var count = 0;
        var before = Stopwatch.GetTimestamp();
        var until = before + (seconds * Stopwatch.Frequency);
        while (before < until)
        {
            Thread.SpinWait(50);
            var now = Stopwatch.GetTimestamp();
            if (now - before > GapNs * Stopwatch.Frequency / 1e9 && count < GapsMax)
            {
                gaps[count++] = now - before;
            }

            before = now;
        }

        var paused = GC.GetTotalPauseDuration() - pausedBefore;
        end?.Invoke();
        var milliseconds = gaps.Take(count).Select(g => g * 1000.0 / Stopwatch.Frequency).ToList();
        Console.WriteLine(FormattableString.Invariant(
            $"{name,-14} {seconds} s: {count,5} gaps, {milliseconds.Sum(),7:F0} ms lost, ")
            + FormattableString.Invariant($"longest {milliseconds.DefaultIfEmpty().Max(),6:F1} ms, ")
            + FormattableString.Invariant($"collector paused this process {paused.TotalMilliseconds,6:F0} ms"));
    }
}
