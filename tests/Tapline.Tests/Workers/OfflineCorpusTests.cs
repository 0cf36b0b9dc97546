// Every real capture through the whole offline path: nothing crashes, every frame is accounted for, and the answer is
// the same to the byte whether one thread or four have worked on it.
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Tests.Support;
using Tapline.Workers;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

public class OfflineCorpusTests
{
    // Custom blocks, which tshark lists as frames and which hold none; and a snoop file, which is another format.
    private static readonly string[] s_differ = ["formats/le-test017.pcapng", "formats/solaris.snoop"];

    [Fact]
    public void EveryFrameOfEveryCaptureIsAccountedFor()
    {
        var mistakes = new List<string>();
        foreach (var row in Corpus.Truth("files.tsv"))
        {
            using var result = OfflineAnalysis.Run(
                new OfflineOptions { Files = [Path.Combine(Corpus.Root(), row["file"])], KeepFlows = true });
            mistakes.AddRange(Balance(result).Select(m => $"{row["file"]}: {m}"));

            if (row["tshark_rc"] == "0" && !s_differ.Contains(row["file"]) && result.Tally.Frames != long.Parse(row["packets"]))
            {
                mistakes.Add($"{row["file"]}: {result.Tally.Frames} frames, tshark {row["packets"]}");
            }
        }

        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void AnswersAreTheSameForAnyNumberOfThreads()
    {
        string[] files = [.. Corpus.Truth("files.tsv").Select(r => Path.Combine(Corpus.Root(), r["file"]))];
        var one = ReadAnswer.Of(files, 1);
        Assert.True(one.Flows.Length > 1_000_000);
        foreach (var workers in (int[])[2, 3, 4])
        {
            var more = ReadAnswer.Of(files, workers);
            one.AssertSame(more);
        }
    }

    private static IEnumerable<string> Balance(OfflineResult result)
    {
        var tally = result.Tally;
        long verdicts = 0;
        for (var v = 0; v < VerdictNames.Count; v++)
        {
            verdicts += tally.Counts.ReadVerdict(v);
        }

        long captured = 0;
        long analysed = 0;
        foreach (FileInterface point in result.Points)
        {
            var counts = tally.Counts.ReadPoint(point.PointId);
            captured += counts.Captured;
            analysed += counts.Analysed + counts.Undecodable;
        }

        long inFlows = 0;
        for (var i = 0; i < result.Flows.Records!.Count; i++)
        {
            ref readonly var record = ref result.Flows.Records[i];
            inFlows += record.Initiator.Frames + record.Responder.Frames;
        }

        long protocols = SummaryCounts.Protocols(tally).Sum(p => p.Count) + tally.Protocols[OfflineTally.UnknownLink];
        foreach (var (name, sum) in new (string, long)[]
        {
            ("verdicts", verdicts), ("captured", captured), ("analysed + undecodable", analysed), ("protocols", protocols),
            ("frames in flows and without", inFlows + result.FlowCounters.FramesWithoutFlow),
        })
        {
            if (sum != tally.Frames)
            {
                yield return $"{name} are {sum} of {tally.Frames} frames";
            }
        }
    }
}
