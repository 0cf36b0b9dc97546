// A recording read again gives what the capture gave that it was made of: flows over many segments and two workers, sums, points,
// windows, machines; by any number of threads, while it is written, and however it is named.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Record;
using Tapline.Store;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

public class ReadRecordingTests
{
    private const int Frames = 12_000;
    private const long StepNs = 1_000_000;
    private const ulong WebMac = 0x02_00_00_00_00_01;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARecordingOfTwoWorkersReadsLikeItsCapture(bool isIndexed)
    {
        using var folder = new TemporaryFolder();
        var capture = Make(folder, TraceMaker.Frames(3, Frames), isIndexed);
        Assert.True(Directory.GetFiles(folder["recording"], "*.pcapng").Length > 12, "the test wants many segments");
        var expected = Canonical(ReadAnswer.Of([capture], 1));
        foreach (var workers in (int[])[1, 2, 3])
        {
            var answer = Read(folder.Path, workers);
            Assert.Empty(answer.Faults);
            AssertSameLines(expected.Flows, Canonical(answer).Flows);
            AssertSameLines(expected.Summary, Canonical(answer).Summary);
            AssertSameLines(expected.Ledger, Canonical(answer).Ledger);
        }
    }

    [Fact]
    public void FolderRecordingAndSegmentsByNameAreTheSame()
    {
        using var folder = new TemporaryFolder();
        _ = Make(folder, TraceMaker.Frames(4, 2_000), isIndexed: true);
        var expected = Read(folder.Path, 2);
        expected.AssertSame(Read(folder["recording"], 2));
        var segments = Directory.GetFiles(folder["recording"], "*.pcapng");
        Random.Shared.Shuffle(segments);
        expected.AssertSame(ReadAnswer.Of(Options(segments)));
    }

    [Fact]
    public void AWindowIsExactAndLeavesSegmentsOut()
    {
        using var folder = new TemporaryFolder();
        var capture = Make(folder, TraceMaker.Frames(5, 9_000), isIndexed: true);
        var sinceNs = Time(2_500);
        var untilNs = Time(3_500);
        var answer = ReadAnswer.Of(Options([folder.Path], sinceNs, untilNs) with { Workers = 2 });
        var expected = ReadAnswer.Of(new OfflineOptions { Files = [capture], SinceNs = sinceNs, UntilNs = untilNs });
        Assert.Contains("\"frames\":1000,", answer.Summary, StringComparison.Ordinal);
        AssertSameLines(Canonical(expected).Flows, Canonical(answer).Flows);
        var sources = RecordingSources.Find([folder.Path], sinceNs, untilNs, out _)!;
        Assert.True(sources.Chains.Sum(c => c.Files.Count) < Directory.GetFiles(folder["recording"], "*.pcapng").Length);
    }

    [Fact]
    public void MachinesOfTheRecordingNameFlowsAndSatisfyFilters()
    {
        using var folder = new TemporaryFolder();
        using (var recordings = SegmentFolder.TryOpen(folder["recording"], 1 << 30, out _)!)
        {
            recordings.SetMachines([new RecordedMachine("web01", "u1", [], ["pci"], [WebMac])]);
            using var recorder = new SegmentRecorder(recordings, new RecorderOptions { Worker = 0 });
            recorder.AddPoint(new PointInfo(0, "vnet1", "vm_port", "br0", "db01", "u2"));
            foreach (var mac in (string[])["02:00:00:00:00:01", "02:00:00:00:00:09"])
            {
                var frame = new FrameBuilder().Ethernet(mac, "02:00:00:00:00:07").Ipv4("10.0.0.1", "10.0.0.2").Udp(7, 53)
                    .Payload(4).Build();
                Append(recorder, frame, Time(mac[^1]));
            }

            recorder.Close(Time(500));
        }

        var sources = RecordingSources.Find([folder.Path], long.MinValue, long.MaxValue, out _)!;
        Assert.Equal("web01", Assert.Single(sources.Machines()).Name);
        var filter = CompiledFilter.Compile("src vm web01 or tag pci", LinkType.Ethernet, out var mistake);
        Assert.True(filter is not null, mistake);
        var options = Options([folder.Path]) with
        {
            Filter = filter,
            Machines = sources.Machines(),
            PointsAdded = points => filter.Bind(sources.Directory(FilterDirectory.Empty, points)),
        };
        Assert.Contains("\"frames\":1,", ReadAnswer.Of(options).Summary, StringComparison.Ordinal);
        var flows = ReadAnswer.Of(options with { Filter = CompiledFilter.Everything }).Flows;
        Assert.Contains("\"initiator_vm\":\"db01\"", flows, StringComparison.Ordinal); // the point that the frames came by
    }

    [Fact]
    public void ASegmentUnderWayIsReadToItsLastFlushWithoutAFault()
    {
        using var folder = new TemporaryFolder();
        using var recordings = SegmentFolder.TryOpen(folder["recording"], 1 << 30, out _)!;
        using var recorder = new SegmentRecorder(recordings, new RecorderOptions { Worker = 0, FlushAgeNs = 1 });
        Append(recorder, TraceMaker.Frames(1, 1)[0], Time(1));
        recorder.EndBatch(Time(2));
        recorder.EndBatch(Time(3));
        Assert.True(SpinWait.SpinUntil(() => recorder.BytesWritten > 0, 10_000));
        Assert.True(SpinWait.SpinUntil(
            () => Read(folder.Path, 2) is { Faults.Count: 0 } a && a.Summary.Contains("\"frames\":1,", StringComparison.Ordinal), 10_000));
    }

    [Fact]
    public void AFolderWithoutARecordingIsRefusedWithTheMend()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(RecordingSources.Find([folder.Path], long.MinValue, long.MaxValue, out var error));
        Assert.EndsWith("is a folder without a recording; name a data folder, or a capture file in it.", error, StringComparison.Ordinal);
    }

    private static long Time(int step) => 1_700_000_000_000_000_000 + (step * StepNs);

    private static ReadAnswer Read(string path, int workers) => ReadAnswer.Of(Options([path]) with { Workers = workers });

    private static OfflineOptions Options(string[] paths, long sinceNs = long.MinValue, long untilNs = long.MaxValue)
    {
        var sources = RecordingSources.Find(paths, sinceNs, untilNs, out var error);
        Assert.True(sources is not null, error);
        return new OfflineOptions { Files = sources.Files, Chains = sources.Chains, SinceNs = sinceNs, UntilNs = untilNs };
    }

    // A capture, and the same frames recorded as two live workers would: a pair of addresses stays with one of them.
    private static string Make(TemporaryFolder folder, List<byte[]> frames, bool isIndexed)
    {
        var bytes = new CaptureBytes();
        bytes.Section().Interface(1, 0, bytes.Option(2, "eth0"u8.ToArray()), bytes.Option(9, 9));
        using var recordings = SegmentFolder.TryOpen(folder["recording"], 1 << 30, out _)!;
        var recorders = new[] { 0, 1 }.Select(w => new SegmentRecorder(recordings, new RecorderOptions
        {
            Worker = w, SegmentAgeNs = 1_000_000_000, BufferBytes = 2 << 20, BufferCount = 32,
        })).ToArray();
        Array.ForEach(recorders, r => r.AddPoint(new PointInfo(0, "eth0", "uplink")));
        for (var i = 0; i < frames.Count; i++)
        {
            bytes.Enhanced(frames[i], (ulong)Time(i));
            var meta = new FrameMeta { CapturedLength = frames[i].Length, OriginalLength = frames[i].Length, LinkType = LinkType.Ethernet };
            FrameDecoder.Decode(frames[i], meta, out var layout);
            var recorder = recorders[layout.IpVersion == 0 ? 0 : layout.AddressHash >> 31];
            Append(recorder, frames[i], Time(i));
            Array.ForEach(recorders, r => r.EndBatch(Time(i)));
        }

        Array.ForEach(recorders, r => r.Close(Time(frames.Count)));
        Array.ForEach(recorders, r => r.Dispose());
        foreach (var segment in isIndexed ? Directory.GetFiles(folder["recording"], "*.pcapng") : [])
        {
            Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        }

        File.WriteAllBytes(folder["original.pcapng"], bytes.ToArray());
        return folder["original.pcapng"];
    }

    private static void Append(SegmentRecorder recorder, byte[] frame, long timeNs)
    {
        var meta = new FrameMeta
        {
            TimestampNs = timeNs, CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet,
        };
        while (recorder.Append(meta, frame) != AppendResult.Recorded)
        {
            Thread.Yield();
        }
    }

    // The number of files is another one, of course.
    private static ReadAnswer Canonical(ReadAnswer answer) => answer with
    {
        Summary = System.Text.RegularExpressions.Regex.Replace(answer.Summary, "\"files\":[0-9]+,", ""),
    };

    private static void AssertSameLines(string expected, string actual)
    {
        foreach (var (wanted, got) in expected.Split('\n').Zip(actual.Split('\n')))
        {
            Assert.Equal(wanted, got);
        }

        Assert.Equal(expected.Length, actual.Length);
    }
}
