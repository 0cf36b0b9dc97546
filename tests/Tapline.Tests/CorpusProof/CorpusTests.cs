// The proof on real captures: every TCP and UDP conversation of the corpus equals tshark's in frames and bytes by
// direction, and every TCP health count too. What differs stands in differences.tsv with its reason; the test fails on a
// difference that is not listed and on a listed one that is gone. UPDATE_GOLDEN=1 rewrites the list (reasons are kept,
// new rows get an empty one, which fails) and docs/corpus.md.
using System.Globalization;
using System.Text;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.CorpusProof;

public class CorpusTests
{
    private static string DifferencesPath =>
        Path.Combine(RepositoryRoot.Path, "tests", "Tapline.Tests", "CorpusProof", "differences.tsv");

    private sealed record Difference(string File, string What, string Ours, string Theirs);

    private sealed class Totals
    {
        public int Files { get; set; }

        public long Frames { get; set; }

        public int Conversations { get; set; }

        public int EqualConversations { get; set; }

        public long Values { get; set; }

        public long EqualValues { get; set; }

        public int InitialRtts { get; set; }

        public int EqualInitialRtts { get; set; }
    }

    [Fact]
    public void ConversationsAndTcpHealthEqualTshark()
    {
        var corpus = Support.Corpus.Root();
        Truth Table(string name) => new(Path.Combine(corpus, "truth", name + ".tsv"));
        var files = Table("files");
        var tcp = Table("conv_tcp");
        var udp = Table("conv_udp");
        var sctp = Table("conv_sctp");
        var health = Table("tcp_health");
        var fragments = Table("fragments");
        var totals = new Totals();
        var differences = new List<Difference>();
        foreach (var file in Captures(corpus))
        {
            var completing = fragments.Of(file)
                .Where(row => fragments.Text(row, "fragment_count").Length > 0)
                .Select(row => fragments.Number(row, "frame"))
                .ToHashSet();
            var replay = CorpusReplay.Run(Path.Combine(corpus, file), completing);
            totals.Files++;
            totals.Frames += replay.Frames;
            var frames = files.Of(file) is [var row, ..] ? files.Number(row, "packets") : 0;
            Compare(differences, totals, file, "frames", replay.Frames, frames);
            if (replay.Frames == 0)
            {
                continue;
            }

            var counted = replay.Records.Sum(r => r.Initiator.Frames + r.Responder.Frames)
                + replay.Counters.FramesWithoutFlow;
            Assert.True(replay.Frames == counted, $"{file}: {replay.Frames} frames in, {counted} in flows");
            CompareLists(differences, totals, file, "tcp", ConversationLists.Ours(replay, FlowProtocol.Tcp),
                ConversationLists.Theirs(tcp, health, file));
            CompareLists(differences, totals, file, "udp", ConversationLists.Ours(replay, FlowProtocol.Udp),
                ConversationLists.Theirs(udp, null, file));
            CompareLists(differences, totals, file, "sctp", ConversationLists.Ours(replay, FlowProtocol.Sctp),
                ConversationLists.Theirs(sctp, null, file));
        }

        Judge(differences, totals);
    }

    private static IEnumerable<string> Captures(string corpus) => Directory
        .EnumerateFiles(corpus, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(corpus, path))
        .Where(path => path.Contains('/', StringComparison.Ordinal)
            && !path.StartsWith("truth/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private static void CompareLists(
        List<Difference> differences, Totals totals, string file, string kind, List<Conversation> ours,
        List<Conversation> theirs)
    {
        var pairs = ours.Select(c => c.Pair).Concat(theirs.Select(c => c.Pair)).Distinct().Order(
            Comparer<(Endpoint A, Endpoint B)>.Create(
                (x, y) => x.A.CompareTo(y.A) is var c && c != 0 ? c : x.B.CompareTo(y.B)));
        foreach (var pair in pairs)
        {
            var mine = ours.Where(c => c.Pair == pair).OrderBy(c => c.StartNs).ToList();
            var yours = theirs.Where(c => c.Pair == pair).OrderBy(c => c.StartNs).ToList();
            var name = $"{kind} {pair.A} {pair.B}";
            Compare(differences, totals, file, $"{name} conversations", mine.Count, yours.Count);
            if (mine.Count == 0 || yours.Count == 0)
            {
                totals.Conversations += yours.Count;
                continue;
            }

            if (mine.Count != yours.Count)
            {
                mine = [Sum(mine)];
                yours = [Sum(yours)];
            }

            for (var i = 0; i < mine.Count; i++)
            {
                var label = mine.Count == 1 ? name : $"{name} #{i + 1}";
                CompareOne(differences, totals, file, label, mine[i], yours[i]);
            }
        }
    }

    private static Conversation Sum(List<Conversation> list)
    {
        var sum = list[0];
        foreach (var other in list.Skip(1))
        {
            sum.Merge(other);
        }

        return sum;
    }

    private static void CompareOne(
        List<Difference> differences, Totals totals, string file, string name, Conversation ours, Conversation theirs)
    {
        var before = differences.Count;
        totals.Conversations += theirs.Merged;
        Compare(differences, totals, file, $"{name} frames_a", ours.FramesA, theirs.FramesA);
        Compare(differences, totals, file, $"{name} frames_b", ours.FramesB, theirs.FramesB);
        Compare(differences, totals, file, $"{name} bytes_a", ours.BytesA, theirs.BytesA);
        Compare(differences, totals, file, $"{name} bytes_b", ours.BytesB, theirs.BytesB);
        foreach (var (column, value) in theirs.Health)
        {
            Compare(differences, totals, file, $"{name} {column}_a", ours.Health[column].A, value.A);
            Compare(differences, totals, file, $"{name} {column}_b", ours.Health[column].B, value.B);
        }

        if (theirs.Health.Count > 0 && theirs.InitialRttNs >= 0)
        {
            totals.InitialRtts++;
            totals.EqualInitialRtts += ours.InitialRttNs == theirs.InitialRttNs ? 1 : 0;
            Compare(differences, totals, file, $"{name} initial_rtt_ns", ours.InitialRttNs, theirs.InitialRttNs);
        }

        totals.EqualConversations += differences.Count == before ? theirs.Merged : 0;
    }

    private static void Compare(
        List<Difference> differences, Totals totals, string file, string what, long ours, long theirs)
    {
        totals.Values++;
        if (ours == theirs)
        {
            totals.EqualValues++;
            return;
        }

        differences.Add(new Difference(
            file, what, ours.ToString(CultureInfo.InvariantCulture), theirs.ToString(CultureInfo.InvariantCulture)));
    }

    private static void Judge(List<Difference> differences, Totals totals)
    {
        var listed = ReadListed();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            WriteListed(differences, listed);
            listed = ReadListed();
        }

        var report = new StringBuilder();
        foreach (var difference in differences.Where(d => !listed.ContainsKey(d)))
        {
            report.AppendLine(CultureInfo.InvariantCulture, $"not listed: {difference}");
        }

        foreach (var (difference, reason) in listed)
        {
            if (!differences.Contains(difference))
            {
                report.AppendLine(CultureInfo.InvariantCulture, $"listed, but gone: {difference}");
            }
            else if (reason.Length == 0)
            {
                report.AppendLine(CultureInfo.InvariantCulture, $"no reason: {difference}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{totals.Files} files, {totals.Frames} frames, {totals.Conversations} conversations, "
            + $"{totals.EqualConversations} equal; {totals.Values} values, {totals.EqualValues} equal; "
            + $"{totals.InitialRtts} initial RTTs, {totals.EqualInitialRtts} equal");
        CompareDocument(report, listed, totals);
        Assert.True(report.Length == 0, report.ToString());
    }

    /// <summary>docs/corpus.md states what this run found, or the test fails.</summary>
    private static void CompareDocument(StringBuilder report, Dictionary<Difference, string> listed, Totals totals)
    {
        const string begin = "<!-- figures: written by the test -->\n";
        const string end = "<!-- end of figures -->";
        var path = Path.Combine(RepositoryRoot.Path, "docs", "corpus.md");
        var text = File.ReadAllText(path);
        var from = text.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var to = text.IndexOf(end, StringComparison.Ordinal);
        var figures = Figures(listed, totals);
        if (text[from..to] == figures)
        {
            return;
        }

        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, text[..from] + figures + text[to..]);
        }
        else
        {
            report.AppendLine("docs/corpus.md does not state this run's figures; UPDATE_GOLDEN=1 rewrites them");
        }
    }

    private static string Figures(Dictionary<Difference, string> listed, Totals totals)
    {
        var text = new StringBuilder();
        var culture = CultureInfo.InvariantCulture;
        text.Append("\n| compared | count | equal |\n|---|---|---|\n");
        text.Append(culture, $"| captures | {totals.Files} | |\n| frames, each in exactly one flow | {totals.Frames} | all |\n");
        text.Append(culture, $"| conversations (TCP, UDP, SCTP) | {totals.Conversations} | {totals.EqualConversations} |\n");
        text.Append(culture, $"| values | {totals.Values} | {totals.EqualValues} |\n");
        text.Append(culture, $"| handshake round trips | {totals.InitialRtts} | {totals.EqualInitialRtts} |\n");
        text.Append("\n## What differs, and why\n\n| capture | values | reason |\n|---|---|---|\n");
        foreach (var group in listed.GroupBy(l => (l.Key.File, l.Value)))
        {
            text.Append(culture, $"| `{group.Key.File}` | {group.Count()} | {group.Key.Value} |\n");
        }

        return text.Append('\n').ToString();
    }

    private static Dictionary<Difference, string> ReadListed() => !File.Exists(DifferencesPath)
        ? []
        : File.ReadLines(DifferencesPath).Skip(1).Select(line => line.Split('\t')).ToDictionary(
            cells => new Difference(cells[0], cells[1], cells[2], cells[3]), cells => cells[4]);

    private static void WriteListed(List<Difference> differences, Dictionary<Difference, string> listed) =>
        File.WriteAllLines(
            DifferencesPath,
            differences.Select(d => $"{d.File}\t{d.What}\t{d.Ours}\t{d.Theirs}\t{listed.GetValueOrDefault(d, "")}")
                .Prepend("file\twhat\tours\ttheirs\treason"));
}
