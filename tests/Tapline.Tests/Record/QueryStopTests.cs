// A query that is stopped ends soon, with a file that is whole as far as it goes; and how far a query is, is told truly.
using Tapline.Record;
using Tapline.Record.Extract;
using Xunit;

namespace Tapline.Tests.Record;

public class QueryStopTests
{
    private const int Frames = 6_000;

    [Fact]
    public void AStoppedQueryLeavesAWholeFile()
    {
        using var fixture = Recorded();
        using var stop = new CancellationTokenSource();
        var path = fixture.Folder["answer.pcap"];
        ExtractReport report;
        using (var stream = File.Create(path))
        {
            var answer = new PcapngAnswer(stream, "everything");
            report = Run(fixture, answer, _ => stop.Cancel(), stop.Token);
            answer.End(report);
        }

        Assert.True(report.IsStopped);
        Assert.InRange(report.Selected, 1, Frames - 1);
        Assert.Equal(report.Selected, SegmentFile.Frames(path).Count);
    }

    [Fact]
    public void ProgressRisesToTheWhole()
    {
        using var fixture = Recorded();
        var passed = new List<long>();
        var report = Run(fixture, new PcapngAnswer(Stream.Null, "x"), r => passed.Add(r.PassedBytes), CancellationToken.None);
        Assert.Equal(passed.Order(), passed);
        Assert.True(passed[0] < report.Plan.Bytes);
        Assert.Equal(report.Plan.Bytes, passed[^1]);
    }

    private static ExtractReport Run(
        RecorderFixture fixture, IExtractSink sink, Action<ExtractReport> progress, CancellationToken stop)
    {
        var options = new ExtractOptions { Folder = fixture.Folder.Path };
        return Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, progress, stop);
    }

    private static RecorderFixture Recorded()
    {
        var fixture = new RecorderFixture();
        for (var i = 0; i < Frames; i++)
        {
            while (fixture.Append(80) != AppendResult.Recorded)
            {
                Thread.Yield();
            }
        }

        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        return fixture;
    }
}
