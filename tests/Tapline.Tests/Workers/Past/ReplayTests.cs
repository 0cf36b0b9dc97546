// A replay into a file is the source again: every frame, in order, with its point's name; and the account balances.
using Tapline.Base;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Targets;
using Tapline.Tests.Mirror;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Tapline.Workers.Past;
using Xunit;

namespace Tapline.Tests.Workers.Past;

public sealed class ReplayTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(0.0)]
    [InlineData(1000.0)]
    public void A_recording_of_several_segments_comes_out_as_it_went_in(double speed)
    {
        using var fixture = Recorded(3000);
        var report = Run(new ReplayOptions { Recording = fixture.Folder.Path, To = Target, Speed = speed });
        Balances(report);
        Assert.Equal(fixture.Taken.Count, report.Read);
        Assert.Equal(report.Read, report.Ledger.Sent);
        Assert.Empty(report.Faults);
        var played = Played();
        Assert.Equal(fixture.Taken.Count, played.Count);
        for (var i = 0; i < played.Count; i++)
        {
            Assert.Equal(fixture.Taken[i].Bytes, played[i].Bytes);
            Assert.Equal(fixture.Taken[i].Interface, played[i].Interface);
        }
    }

    [Fact]
    public void Only_the_wanted_window_points_and_number_of_frames_are_played()
    {
        using var fixture = Recorded(1000);
        var all = fixture.Taken;
        var report = Run(new ReplayOptions
        {
            Recording = fixture.Folder.Path, To = Target, Speed = 0, From = ["eth*"],
            SinceNs = all[100].TimestampNs, UntilNs = all[900].TimestampNs,
        });
        var wanted = all.Skip(100).Take(800).ToList();
        Balances(report);
        Assert.Equal(800, report.Read);
        Assert.Equal(wanted.Count(f => f.Interface == "eth0"), report.Ledger.Sent);
        Assert.Equal(wanted.Count(f => f.Interface != "eth0"), report.OtherPoints);
        Assert.All(Played(), f => Assert.Equal("eth0", f.Interface));

        report = Run(new ReplayOptions { Recording = fixture.Folder.Path, To = Target, Speed = 0, Limit = 1700, Passes = 5 });
        Balances(report);
        Assert.Equal((1700, 1700, 2), (report.Read, report.Ledger.Sent, report.Passes));
        Assert.True(report.IsLimited);
    }

    [Fact]
    public void Files_are_played_one_after_the_other_and_again()
    {
        var frames = Enumerable.Range(0, 50)
            .Select(i => new FrameBuilder().Ethernet().Ipv4(id: i).Udp(1, 2).Payload([(byte)i]).Build()).ToList();
        Write("a.pcap", frames[..20]);
        Write("b.pcap", frames[20..]);
        var report = Run(new ReplayOptions
        {
            Files = [_folder["a.pcap"], _folder["b.pcap"]], To = Target, Speed = 0, Passes = 3, Filter = "udp and not ip[4:2] = 7",
        });
        Balances(report);
        Assert.Equal((150, 147, 147, 3), (report.Examined, report.Read, report.Ledger.Sent, report.Passes));
        var wanted = frames.Where((_, i) => i != 7).ToList();
        Assert.Equal([.. wanted, .. wanted, .. wanted], Played().Select(f => f.Bytes));
    }

    [Theory]
    [InlineData("no-such-file", "nowhere", "is not a target", true)]
    [InlineData("no-such-file", "OUT", "does not exist", false)]
    [InlineData("-", "OUT", "can be played once", true)]
    public void What_cannot_be_played_is_one_sentence(string source, string target, string words, bool isUsage)
    {
        var options = new ReplayOptions { Files = [source], To = target == "OUT" ? Target : target, Passes = 2 };
        using var replay = Replay.Open(options, out var fault, out var isWrong);
        Assert.Null(replay);
        Assert.Contains(words, fault, StringComparison.Ordinal);
        Assert.Equal(isUsage, isWrong);
    }

    [Fact]
    public void A_damaged_file_is_told_and_what_was_whole_is_played()
    {
        Write("a.pcap", [.. Enumerable.Repeat(new byte[60], 10)]);
        var bytes = File.ReadAllBytes(_folder["a.pcap"]);
        File.WriteAllBytes(_folder["a.pcap"], bytes[..^7]);
        var report = Run(new ReplayOptions { Files = [_folder["a.pcap"]], To = Target, Speed = 0 });
        Balances(report);
        Assert.Equal(9, report.Ledger.Sent);
        Assert.Single(report.Faults);
    }

    [Fact]
    public void A_stop_ends_a_pause_of_hours_at_once_and_the_rest_is_counted()
    {
        var file = new CaptureBytes().PcapHeader();
        file.PcapRecord(new byte[60], 1).PcapRecord(new byte[60], 36_000).PcapRecord(new byte[60], 36_001);
        File.WriteAllBytes(_folder["a.pcap"], file.ToArray());
        using var replay = Replay.Open(new ReplayOptions { Files = [_folder["a.pcap"]], To = Target }, out var fault, out _)!;
        Assert.Null(fault);
        using var stop = new CancellationTokenSource();
        var report = replay.Run(r =>
        {
            if (r.Ledger.Sent == 1)
            {
                stop.Cancel();
            }
        }, stop.Token);
        Balances(report);
        Assert.True(report.IsStopped);
        Assert.Equal((3, 1, 2), (report.Read, report.Ledger.Sent, report.Unplayed));
    }

    [Fact]
    public void A_target_that_takes_little_at_a_time_is_waited_for()
    {
        using var ring = new FrameRing(1024, Limits.FrameBytesMax);
        var output = new MemoryOutput(64, 1 << 20) { Appetite = 0 };
        using var session = new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "t", Target = TargetParser.Parse("nic:x", out _)! }, output);
        var options = new ReplayOptions { To = "nic:x", Speed = 0 };
        var reader = new CountingReader(options, ring, new ReplayPoints(session, []), 5000);
        var sender = new ReplaySender(session, ring, new PastSchedule(0));
        var thread = new Thread(() => reader.ReadAll(default));
        thread.Start();
        using var tool = new Timer(_ => output.Appetite = 100, null, 1, 1);
        sender.Run(reader, null, default);
        thread.Join();
        Assert.Equal(5000, session.Counters.Sent);
        Assert.Equal(0, session.Counters.Dropped);
        Assert.True(session.Counters.Balances);
    }

    [Fact]
    public void Playing_allocates_nothing_per_frame()
    {
        const int Frames = 100_000;
        using var ring = new FrameRing(1 << 17, 32 << 20);
        using var session = new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "t", Target = TargetParser.Parse("nic:x", out _)! },
            new MemoryOutput { Taken = null });
        var options = new ReplayOptions { To = "nic:x", Speed = 0 };
        var allocated = Allocations.LeastMeasuredOf(() =>
        {
            var reader = new CountingReader(options, ring, new ReplayPoints(session, []), Frames);
            reader.ReadAll(default);
            var sender = new ReplaySender(session, ring, new PastSchedule(1e9));
            sender.Run(reader, null, default);
            Assert.Equal(Frames, sender.Taken);
            return sender.AllocatedBytes;
        });
        Assert.Equal(0, allocated);
    }

    public void Dispose() => _folder.Dispose();

    private string Target => $"file:{_folder["out.pcapng"]}";

    private static void Balances(ReplayReport report)
    {
        var row = report.Ledger;
        Assert.Equal(report.Read, row.Offered + report.OtherPoints + report.Unplayed);
        Assert.Equal(row.Offered, row.Sent + row.Filtered + row.SampledOut + Tapline.Workers.MirrorTotals.Dropped(row));
    }

    private ReplayReport Run(ReplayOptions options)
    {
        File.Delete(_folder["out.pcapng"]);
        using var replay = Replay.Open(options, out var fault, out _);
        Assert.Null(fault);
        return replay!.Run(null, CancellationToken.None);
    }

    private List<ReadFrame> Played() => [.. SegmentFile.Frames(_folder["out.pcapng"])];

    private void Write(string name, IReadOnlyList<byte[]> frames)
    {
        var file = new CaptureBytes().PcapHeader();
        for (var i = 0; i < frames.Count; i++)
        {
            file.PcapRecord(frames[i], (uint)i);
        }

        File.WriteAllBytes(_folder[name], file.ToArray());
    }

    private static RecorderFixture Recorded(int frames)
    {
        var fixture = new RecorderFixture();
        for (var i = 0; i < frames; i++)
        {
            while (fixture.Append(60 + (i % 1400), (ushort)(1 + (i % 2))) != Tapline.Record.AppendResult.Recorded)
            {
                Thread.Yield();
            }

            if (i % 1000 == 999)
            {
                // A minute later as the clock goes: the segment ends.
                fixture.Recorder.EndBatch(RecorderFixture.Start + (i * 120L * RecorderFixture.Second));
            }
        }

        fixture.Recorder.Close(RecorderFixture.Start + (frames * 120L * RecorderFixture.Second));
        return fixture;
    }

    private sealed class CountingReader(ReplayOptions options, FrameRing ring, ReplayPoints points, int frames)
        : ReplayReader(options, ring, points)
    {
        private static readonly byte[] s_frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(new byte[100]).Build();

        public override long Examined => Read;

        public override long ReadBytes => 0;

        public override long TotalBytes => 0;

        public override IReadOnlyList<string> Holes => [];

        protected override void ReadOnce(CancellationToken stop)
        {
            for (var i = 0; i < frames; i++)
            {
                var meta = new FrameMeta
                {
                    TimestampNs = i, CapturedLength = s_frame.Length, OriginalLength = s_frame.Length, LinkType = LinkType.Ethernet,
                };
                Put(meta, s_frame);
            }
        }
    }
}
