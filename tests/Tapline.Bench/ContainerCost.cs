// What compression and encryption at rest cost and spare: the same capture recorded with its index in all ways, alternating in one
// process; then read whole and asked for one address by index: `Tapline.Bench container FILE [ROUNDS]`. Waits for the disk, so
// that nothing is dropped: the time to record is what one writer's thread carries.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Record.Extract;

namespace Tapline.Bench;

/// <summary>Size and time of recordings in containers, as ratios to ordinary ones. Medians.</summary>
internal static class ContainerCost
{
    private static readonly string[] s_ways = ["plain", "lz4", "encrypted", "both"];

    public static int Run(string file, int rounds)
    {
        var keyFolder = Directory.CreateTempSubdirectory("tapline-key-").FullName;
        try
        {
            var keyFile = SegmentKey.Create(Path.Combine(keyFolder, "key"), out _)!.Path;
            var key = KeyRing.TryAdd(keyFile, out _)!;
            var costs = s_ways.ToDictionary(w => w, _ => new List<Cost>());
            for (var round = 0; round <= rounds; round++)
            {
                foreach (var way in s_ways)
                {
                    var cost = Measure(file, way, key);
                    Console.Error.WriteLine($"round {round}, {way}: {cost}");
                    if (round > 0)
                    {
                        costs[way].Add(cost); // the first round is for the compiler
                    }
                }
            }

            Report(costs);
            return 0;
        }
        finally
        {
            Directory.Delete(keyFolder, recursive: true);
        }
    }

    private static Cost Measure(string file, string way, SegmentKey key)
    {
        var path = Directory.CreateDirectory($"/var/tmp/tapline-container-{Environment.ProcessId}").FullName;
        try
        {
            var watch = Stopwatch.StartNew();
            using (var folder = SegmentFolder.TryOpen(path, 8L << 30, out _)!)
            {
                _ = RecordTrace.Record([file], folder, isIndexed: true, out _, o => o with
                {
                    Compression = way is "lz4" or "both" ? SegmentCompression.Lz4 : SegmentCompression.None,
                    Key = way is "encrypted" or "both" ? key : null,
                });
            }

            var record = watch.Elapsed.TotalSeconds;
            var files = new DirectoryInfo(path).GetFiles();
            var whole = Ask(path, "", out var frames);
            var sparse = Ask(path, "tcp port 5432", out _);
            return new Cost(
                record, files.Where(f => f.Extension is ".pcapng" or ".tlz").Sum(f => f.Length),
                files.Where(f => f.Extension == ".tlx").Sum(f => f.Length), whole, sparse, frames);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static double Ask(string path, string expression, out long frames)
    {
        var options = new ExtractOptions { Folder = path, Filter = ExtractFilter.Compile(expression, out _)!, IsOrdered = false };
        var watch = Stopwatch.StartNew();
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, new Counting(), null, CancellationToken.None);
        Invariant.Check(report.Faults.Count == 0);
        frames = report.Selected;
        return watch.Elapsed.TotalSeconds;
    }

    private static void Report(Dictionary<string, List<Cost>> costs)
    {
        Console.WriteLine($"{"",-10} {"size",8} {"index",8} {"record_s",9} {"read_s",8} {"sparse_ms",10}   to plain: size, record, read");
        var plain = costs["plain"];
        foreach (var (way, list) in costs)
        {
            Print($"{way,-10} {list[0].Bytes >> 20,7}M {list[0].IndexBytes >> 10,7}K {Median(list, c => c.Record),9:F3} ");
            Print($"{Median(list, c => c.Whole),8:F3} {Median(list, c => 1000 * c.Sparse),10:F1}   ");
            Print($"{(double)list[0].Bytes / plain[0].Bytes:F3}, {Ratio(list, plain, c => c.Record):F2}, ");
            Print($"{Ratio(list, plain, c => c.Whole):F2}\n");
        }

        Console.WriteLine($"{plain[0].Frames} frames");
    }

    private static void Print(FormattableString text) => Console.Write(text.ToString(CultureInfo.InvariantCulture));

    private static double Ratio(List<Cost> list, List<Cost> plain, Func<Cost, double> value) =>
        Median([.. list.Zip(plain).Select(p => value(p.First) / value(p.Second))]);

    private static double Median(List<Cost> list, Func<Cost, double> value) => Median([.. list.Select(value)]);

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private sealed record Cost(double Record, long Bytes, long IndexBytes, double Whole, double Sparse, long Frames);

    private sealed class Counting : IExtractSink
    {
        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
        {
        }

        public void Rest()
        {
        }
    }
}
