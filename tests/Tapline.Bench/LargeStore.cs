// The store that bench/query-large.sh searches: copies of a trace, each with addresses and times of its own, recorded as live
// frames are, with named machines. `Tapline.Bench store TRACE DATA COPIES [PCAP]`: PCAP gets the same frames in one file.
using System.Globalization;
using Tapline.Record;

namespace Tapline.Bench;

/// <summary>Makes a large recording.</summary>
internal static class LargeStore
{
    private const int Machines = 64;
    private const int WriteBytes = 4 << 20;

    public static int Run(string trace, string data, int copies, string? pcap)
    {
        using var folder = SegmentFolder.TryOpen(Path.Combine(data, "recording"), long.MaxValue / 4, out var refused);
        if (folder is null)
        {
            Console.Error.WriteLine(refused);
            return 1;
        }

        var shifted = new ShiftedTrace(trace);
        folder.SetMachines([.. shifted.BusiestMacs(Machines).Select((mac, i) => new RecordedMachine(
            string.Create(CultureInfo.InvariantCulture, $"vm{i:D2}"), string.Create(CultureInfo.InvariantCulture, $"uuid-{i:D2}"),
            [], i % 8 == 0 ? ["pci"] : [], [mac]))]);
        var told = RecordTrace.Record(Copies(shifted, data, copies, pcap), folder, isIndexed: true, out var isWhole);
        Console.WriteLine($"{told}, {folder.Segments} segments");
        return isWhole ? 0 : 1;
    }

    // One copy at a time is on the disk.
    private static IEnumerable<string> Copies(ShiftedTrace shifted, string data, int copies, string? pcap)
    {
        for (var copy = 0; copy < copies; copy++)
        {
            var piece = Path.Combine(data, "piece.pcap");
            using (var file = new FileStream(piece, FileMode.Create, FileAccess.Write, FileShare.Read, WriteBytes))
            {
                shifted.Write(file, copy, withHeader: true);
            }

            if (pcap is not null)
            {
                var mode = copy == 0 ? FileMode.Create : FileMode.Append;
                using var file = new FileStream(pcap, mode, FileAccess.Write, FileShare.Read, WriteBytes);
                shifted.Write(file, copy, withHeader: copy == 0);
            }

            yield return piece;
            File.Delete(piece);
        }
    }
}
