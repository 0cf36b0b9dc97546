// A query's answer is what tcpdump selects: every frame of the corpus, recorded by two workers over several segments, asked
// for by every expression that the filter's own proof has.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Tests.Filter.Witness;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record;

public sealed class ExtractionTests : IClassFixture<FrameCorpus>
{
    // All of them take minutes: a run takes a part, the full proof (TAPLINE_PROOF=full) three times as much.
    private static readonly int s_times = Environment.GetEnvironmentVariable("TAPLINE_PROOF") == "full" ? 3 : 1;
    private readonly FrameCorpus _corpus;

    public ExtractionTests(FrameCorpus corpus) => _corpus = corpus;

    [Fact]
    public void EveryExpressionSelectsTheFramesThatTcpdumpSelects()
    {
        _corpus.NeedsAll();
        using var folder = new TemporaryFolder();
        Record(folder.Path);
        Assert.True(Directory.GetFiles(folder.Path, "*.pcapng").Length > 4, "the test wants several segments of both workers");
        var expressions = Expressions.ByHand.Where((_, i) => i % (6 / s_times) == 0).Concat(Expressions.Generate(_corpus, 60 * s_times, 5))
            .Where(e => e[0] != '-').ToList(); // tcpdump would take those for options
        var expected = expressions.ConvertAll(_corpus.Tcpdump);
        Assert.True(expected.Count(e => e is not null) >= 80 * s_times, "too few expressions that tcpdump takes");
        Assert.Equal(0, Compare(folder.Path, expressions, expected));
        foreach (var segment in Directory.GetFiles(folder.Path, "*.pcapng"))
        {
            Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        }

        Assert.True(Compare(folder.Path, expressions, expected) > 200, "indexes were hardly used");
    }

    // Returns how many segments were read by their index.
    private static int Compare(string folder, List<string> expressions, List<int[]?> expected)
    {
        var byIndex = 0;
        for (var i = 0; i < expressions.Count; i++)
        {
            if (expected[i] is not { } numbers || ExtractFilter.Compile(expressions[i], out _) is not { } filter)
            {
                continue;
            }

            var sink = new NumberSink();
            var options = new ExtractOptions { Folder = folder, Filter = filter, DisorderNs = 20_000_000_000 };
            var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, null, CancellationToken.None);
            Assert.Empty(report.Faults);
            Assert.Equal(0, report.OutOfOrder);
            Assert.True(numbers.SequenceEqual(sink.Numbers), $"{expressions[i]}: {Difference(numbers, sink.Numbers)}");
            byIndex += report.SegmentsByIndex;
        }

        return byIndex;
    }

    private static string Difference(int[] expected, List<int> actual) =>
        $"{expected.Length} expected, {actual.Count} came; missing {string.Join(' ', expected.Except(actual).Take(5))}, "
        + $"too much {string.Join(' ', actual.Except(expected).Take(5))}";

    // A frame's number is its time in seconds; each worker has its share, as a fan-out would give it.
    private void Record(string folder)
    {
        using var recordings = SegmentFolder.TryOpen(folder, 1 << 30, out _)!;
        var recorders = new[] { 0, 1 }.Select(worker => new SegmentRecorder(recordings, new RecorderOptions
        {
            Worker = worker, Node = "n", SegmentBytes = Limits.SegmentBytesMin,
        })).ToArray();
        for (var number = 0; number < _corpus.Count; number++)
        {
            var frame = _corpus.Frame(number, out var originalLength);
            var meta = FrameCorpus.Meta(frame, originalLength);
            meta.TimestampNs = number * 1_000_000_000L;
            var recorder = recorders[(number / 7) % 2];
            while (recorder.Append(meta, frame) != AppendResult.Recorded)
            {
                Thread.Yield();
            }

            if (number % 64 == 0)
            {
                recorder.EndBatch(meta.TimestampNs);
            }
        }

        foreach (var recorder in recorders)
        {
            recorder.Dispose();
        }
    }

    private sealed class NumberSink : IExtractSink
    {
        public List<int> Numbers { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) =>
            Numbers.Add((int)(meta.TimestampNs / 1_000_000_000));

        public void Rest()
        {
        }
    }
}
