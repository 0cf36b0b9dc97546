// The whole corpus imported: every query's answer is what tcpdump selects of the original files, with their times, lengths and
// bytes; and the indexes are those that would be made of the packets.
using System.Buffers.Binary;
using System.Diagnostics;
using Tapline.Base;
using Tapline.Record.Index;
using Tapline.Tests.Filter.Witness;
using Tapline.Tests.Support;
using Tapline.Workers.Imports;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Workers.Imports;

public sealed class ImportCorpusTests : IClassFixture<FrameCorpus>
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const int Step = 25;
    private const uint PcapNanoseconds = 0xA1B2_3C4D;
    private const long EraNs = (1L << 32) * Clock.SecondNs;
    private readonly FrameCorpus _corpus;

    public ImportCorpusTests(FrameCorpus corpus) => _corpus = corpus;

    [Fact]
    public void EveryQuerySelectsWhatTcpdumpSelectsOfTheOriginals()
    {
        _corpus.NeedsAll();
        using var fixture = new ImportFixture();
        var files = Originals(fixture.Folder, out var merged);
        var report = fixture.Import(o => o with { TakesAgain = true }, [.. files.Keys])!;
        Assert.Equal(0, report.TimeSteps);
        foreach (var capture in report.Captures)
        {
            Assert.True(files[capture.File] == capture.Frames, $"{capture.File}: {capture.Frames} frames, tcpdump {files[capture.File]}");
        }

        File.WriteAllBytes(fixture.Folder["all.pcap"], merged);
        var asked = 0;
        foreach (var expression in Expressions.ByHand.Where((_, i) => i % Step == 0).Append("udp").Append(""))
        {
            if (expression.StartsWith('-') || Tcpdump(fixture.Folder, fixture.Folder["all.pcap"], expression) is not { } selected)
            {
                continue;
            }

            var found = fixture.Query(expression).ConvertAll(f => Row(f.TimeNs, f.OriginalLength, f.Bytes));
            found.Sort(StringComparer.Ordinal);
            var missing = string.Join(' ', selected.Except(found).Take(3));
            var more = string.Join(' ', found.Except(selected).Take(3));
            Assert.True(
                selected.SequenceEqual(found),
                $"{expression}: {selected.Count} expected, {found.Count} came; missing {missing}; too much {more}");
            asked++;
        }

        Assert.True(asked > 5, "too few expressions that tcpdump takes");
        CompareIndexes(fixture);
    }

    private static void CompareIndexes(ImportFixture fixture)
    {
        // A later segment of a capture goes on with the flows of the ones before, which an index made of packets does not know.
        var segments = Directory.GetFiles(fixture.Recording, "*.pcapng", SearchOption.AllDirectories)
            .Select(s => (Path: s, End: Tapline.Record.Extract.SegmentEnd.TryRead(s)!)).ToList();
        var continued = segments.Select(s => s.End.EndNs).ToHashSet();
        var compared = 0;
        foreach (var segment in segments.Where(s => !continued.Contains(s.End.StartNs)).Select(s => s.Path))
        {
            var written = Packets(segment);
            File.Delete(SegmentIndex.PathOf(segment));
            Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
            var rebuilt = Packets(segment);
            var missing = string.Join(" | ", rebuilt.Except(written).Take(3));
            var more = string.Join(" | ", written.Except(rebuilt).Take(3));
            Assert.True(rebuilt.SequenceEqual(written), $"{segment}: only rebuilt {missing}; only written {more}");
            compared++;
        }

        Assert.True(compared > 20);
    }

    // The packets of each flow, flows in the order of their first packets: what an index is for.
    private static List<string> Packets(string segment)
    {
        using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), new FileInfo(segment).Length, out var verdict);
        Assert.True(index is not null, $"{segment}: {verdict}");
        var flows = new List<string>();
        var packets = new List<long>();
        for (var flow = 0; flow < index.Flows; flow++)
        {
            packets.Clear();
            index.AddPackets(flow, packets);
            flows.Add(string.Join(',', packets));
        }

        flows.Sort(StringComparer.Ordinal);
        return flows;
    }

    // The corpus's Ethernet captures with the number of frames that tcpdump finds, and these in one file.
    private static Dictionary<string, long> Originals(TemporaryFolder folder, out byte[] merged)
    {
        var files = new Dictionary<string, long>();
        var all = new MemoryStream();
        foreach (var file in Directory.EnumerateFiles(Corpus.Root(), "*.pcap*", SearchOption.AllDirectories).Order())
        {
            // What tcpdump refuses in the middle of (a second link type) is not compared; a damaged end is.
            var copy = folder["one.pcap"];
            File.Delete(copy);
            var errors = Run("-r", file, "--time-stamp-precision=nano", "-w", copy);
            var bytes = File.Exists(copy) ? File.ReadAllBytes(copy) : [];
            if (bytes.Length > FileHeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == PcapNanoseconds
                && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(20)) == 1
                && !errors.Contains("different", StringComparison.Ordinal))
            {
                files.Add(file, Rows(bytes).Count);
                all.Write(bytes.AsSpan(all.Length == 0 ? 0 : FileHeaderBytes));
            }
        }

        merged = all.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(merged.AsSpan(16), 0x40000);
        Assert.True(files.Count > 100);
        return files;
    }

    private static List<string>? Tcpdump(TemporaryFolder folder, string file, string expression)
    {
        var selected = folder["selected.pcap"];
        File.Delete(selected);
        _ = Run("-n", "-r", file, "--time-stamp-precision=nano", "-w", selected, expression);
        if (!File.Exists(selected))
        {
            return null;
        }

        var rows = Rows(File.ReadAllBytes(selected));
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static List<string> Rows(byte[] bytes)
    {
        var rows = new List<string>();
        for (var at = FileHeaderBytes; at < bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
            rows.Add(Row(
                (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) * Clock.SecondNs)
                    + BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 4)),
                BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 12)),
                bytes.AsSpan(at + RecordHeaderBytes, length)));
            at += RecordHeaderBytes + length;
        }

        return rows;
    }

    // A classic capture's seconds have 32 bits.
    private static string Row(long timeNs, int originalLength, ReadOnlySpan<byte> frame)
    {
        var hash = new HashCode();
        hash.AddBytes(frame);
        return $"{((timeNs % EraNs) + EraNs) % EraNs}/{originalLength}/{frame.Length}/{hash.ToHashCode():x8}";
    }

    private static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("tcpdump", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return errors.Result;
    }
}
