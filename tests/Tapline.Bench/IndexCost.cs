// What the index costs beside the recording that it belongs to: the same capture through decoder, flow table and recorder,
// with index and without, alternating in one process; and how many bytes it takes of each packet, section by section:
// `Tapline.Bench index FILE|FOLDER [ROUNDS]`. Waits for the disk, so that nothing is dropped and the times compare.
using System.Diagnostics;
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Index;

namespace Tapline.Bench;

/// <summary>Wall and CPU time of recording with and without index; bytes of the index.</summary>
internal static class IndexCost
{
    public static int Run(string file, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var alone = Measure(file, isIndexed: false, isLast: false);
            var both = Measure(file, isIndexed: true, round == rounds - 1);
            Print($"record {alone.Wall:F3} s ({alone.Cpu:F3} cpu)   with index {both.Wall:F3} s ({both.Cpu:F3} cpu)   "
                + string.Create(CultureInfo.InvariantCulture, $"ratio {both.Wall / alone.Wall:F3} ({both.Cpu / alone.Cpu:F3} cpu)"));
        }

        return 0;
    }

    private static (double Wall, double Cpu) Measure(string file, bool isIndexed, bool isLast)
    {
        var path = Directory.CreateTempSubdirectory("tapline-index-").FullName;
        try
        {
            using var folder = SegmentFolder.TryOpen(path, 8L << 30, out _)!;
            var cpu = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            Print(RecordTrace.Record(RecordTrace.Captures(file), folder, isIndexed, out _));
            var result = (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
            if (isLast)
            {
                Report(path);
            }

            return result;
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void Report(string path)
    {
        long packets = 0;
        long flows = 0;
        long bytes = 0;
        long segments = 0;
        var sections = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var segment in Directory.GetFiles(path, "*.pcapng"))
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), -1, out var verdict);
            Invariant.Check(verdict == IndexVerdict.Sound);
            segments++;
            packets += index!.Header.Frames;
            flows += index.Flows - 1;
            bytes += index.Header.FileBytes;
            foreach (var section in index.Header.Sections)
            {
                sections[section.Kind.ToString()] = sections.GetValueOrDefault(section.Kind.ToString()) + section.Bytes;
            }
        }

        Print($"{segments} segments, {packets} packets, {flows} flows ({(double)packets / flows:F1} packets a flow), "
            + string.Create(CultureInfo.InvariantCulture, $"index {(double)bytes / packets:F2} bytes a packet, ")
            + string.Join(", ", sections.Select(s => string.Create(
                CultureInfo.InvariantCulture, $"{s.Key.ToLowerInvariant()} {(double)s.Value / packets:F2}"))));
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private static void Print(string text) => Console.WriteLine(text);
}
