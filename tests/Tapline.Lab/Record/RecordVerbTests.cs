// `tapline record` on a real switch: what the ports' kernel counters say entered is in the files, whatever ends the run.
using System.Text.Json;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Record.Index;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class RecordVerbTests : IDisposable
{
    private const long TransferBytes = 60_000_000;
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    private string Recording => Path.Combine(_data, "recording");

    [Fact]
    public void Frames_recorded_are_frames_that_entered_the_switch()
    {
        LabNeeds.Namespaces();
        using var lab = new SwitchLab();
        using var process = Start(lab, "--budget", "1G");
        const long Bytes = 20_000_000; // what the buffers hold, however slow the disk is
        Assert.Equal(Bytes, lab.Transfer(Bytes));
        var ledger = Stop(process);

        var entered = lab.EnteredFrames();
        Assert.Equal(entered, Sum(ledger, "arrived"));
        Assert.Equal(0, Sum(ledger, "dropped_ring"));
        Assert.Equal(0, Sum(ledger, "dropped_recorder"));
        Assert.Equal(entered, Sum(ledger, "recorded"));
        Assert.Equal(entered, FramesInFiles());
        Assert.Equal(entered, FramesInIndexes());
        Assert.Equal([".lock"], Directory.EnumerateFiles(Recording, ".*").Select(Path.GetFileName));
    }

    [Fact]
    public void The_budget_holds_and_a_kill_costs_only_the_last_second()
    {
        LabNeeds.Namespaces();
        using var lab = new SwitchLab();
        using (var process = Start(lab, "--budget", "32M"))
        {
            lab.Transfer(TransferBytes);
            LabWait.Until(() => RecordingBytes() <= 32 << 20, "the budget to be kept");
            process.Signal(9);
            process.WaitForExit();
        }

        var hidden = Directory.GetFiles(Recording, ".*.pcapng").Length;
        using var again = Start(lab, "--budget", "32M");
        lab.Transfer(1000);
        LabWait.Until(
            () => Directory.GetFiles(Recording, "2*.pcapng").All(s => File.Exists(SegmentIndex.PathOf(s))),
            "what the kill left to be indexed");
        var ledger = Stop(again);
        Assert.InRange(ledger.GetProperty("recorder").GetProperty("recovered_segments").GetInt32(), 0, hidden);
        Assert.Empty(Directory.EnumerateFiles(Recording, ".*.pcapng"));
        Assert.True(FramesInFiles() > 0);
        Assert.Equal(FramesInFiles(), FramesInIndexes());
        Assert.InRange(RecordingBytes(), 1, 32 << 20);
    }

    [Fact]
    public void A_disk_that_others_fill_keeps_the_newest()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("mount", "umount");
        Directory.CreateDirectory(Recording);
        LabCommand.Run("mount", "-t", "tmpfs", "-o", "size=96M", LabNames.Next("disk"), Recording);
        try
        {
            using var lab = new SwitchLab();
            using var process = Start(lab, "--budget", "1G");
            File.WriteAllBytes(Path.Combine(Recording, "neighbour"), new byte[70 << 20]);
            lab.Transfer(TransferBytes);
            var ledger = Stop(process);
            Assert.Equal(Sum(ledger, "captured"), Sum(ledger, "recorded") + Sum(ledger, "dropped_recorder"));
            Assert.Equal(lab.EnteredFrames(), Sum(ledger, "arrived"));
            var recorder = ledger.GetProperty("recorder");
            Assert.InRange(recorder.GetProperty("budget_bytes").GetInt64(), 1, 96 << 20);
            Assert.True(recorder.GetProperty("removed_segments").GetInt64() > 0, ledger.ToString());
            Assert.True(FramesInFiles() > 0);
            Assert.Empty(Directory.EnumerateFiles(Recording, ".*.pcapng"));
        }
        finally
        {
            LabCommand.Run("umount", Recording);
        }
    }

    [Fact]
    public void Classes_share_the_frames_and_holds_and_triggers_keep_their_windows()
    {
        LabNeeds.Namespaces();
        using var lab = new SwitchLab();
        Directory.CreateDirectory(Recording);
        TaplineHold("add", "--since", "10m", "--until", "2100-01-01", "--by", "lab\u202e", "--why", "a \u001b[31mtest");
        using var process = Start(lab, "--budget", "1G", "--class", "data;filter=tcp;take=headers;budget=32M",
            "--trigger", "opened;when=tcp[tcpflags] = tcp-syn;before=5s;after=1s");
        lab.Transfer(20_000_000);
        var triggers = Path.Combine(_data, "triggers");
        LabWait.Until(
            () => Directory.Exists(triggers) && Directory.GetFiles(triggers, "opened-*.pcapng").Length > 0, "the trigger's file");
        Assert.Contains("by trigger opened: tcp[tcpflags] = tcp-syn (flow 1:", TaplineHold("list"));
        var ledger = Stop(process);
        var recorder = ledger.GetProperty("recorder");
        var classes = recorder.GetProperty("classes").EnumerateArray().ToDictionary(
            c => c.GetProperty("class").GetString()!, c => c.GetProperty("recorded").GetInt64());
        Assert.InRange(Sum(ledger, "arrived"), 1, lab.EnteredFrames());
        Assert.Equal(Sum(ledger, "arrived"), Sum(ledger, "recorded"));
        Assert.Equal(Sum(ledger, "recorded"), classes["default"] + classes["data"]);
        Assert.True(classes["data"] > classes["default"], ledger.ToString());
        Assert.Equal(2, recorder.GetProperty("holds").GetInt32());

        // The window begins before the recording and may end before its last frame; a query reads all classes.
        Assert.InRange(FramesIn(Directory.GetFiles(triggers, "opened-*.pcapng")), 1, Sum(ledger, "recorded"));
        var counted = LabCommand.Run(TaplineProgram.Path(), "query", "", "--data", _data, "--what", "count");
        Assert.Equal($"{Sum(ledger, "recorded")}", counted.Trim());
        Assert.InRange(new DirectoryInfo(Path.Combine(Recording, "data")).EnumerateFiles("2*.pcapng").Sum(f => f.Length), 1, 10_000_000);
        Assert.DoesNotContain('\u001b', TaplineHold("list"));
        TaplineHold("remove", "1");
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private string TaplineHold(params string[] words) =>
        LabCommand.Run([TaplineProgram.Path(), "hold", .. words, "--data", _data]);

    private LabProcess Start(SwitchLab lab, params string[] options)
    {
        var process = lab.Host.Start(
            [TaplineProgram.Path(), "record", "--from", $"bridge:{lab.Bridge}", "--data", _data, "--json", .. options]);
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal),
            () => $"the recorder to be ready: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }

    private static JsonElement Stop(LabProcess process)
    {
        process.Signal(15);
        var exitCode = process.WaitForExit();
        Assert.True(exitCode == 0, process.Error);
        return JsonDocument.Parse(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
    }

    private static long Sum(JsonElement ledger, string field) =>
        ledger.GetProperty("points").EnumerateArray().Sum(p => p.GetProperty(field).GetInt64());

    private long RecordingBytes() => new DirectoryInfo(Recording).EnumerateFiles().Sum(f => f.Exists ? f.Length : 0);

    // Packets that the indexes know, each of which must fit its segment.
    private long FramesInIndexes()
    {
        var frames = 0L;
        foreach (var path in Directory.EnumerateFiles(Recording, "2*.pcapng"))
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(path), new FileInfo(path).Length, out var verdict);
            Assert.True(index is not null, $"{path}: {verdict}");
            var offsets = new List<long>();
            for (var flow = 0; flow < index.Flows; flow++)
            {
                index.AddPackets(flow, offsets);
            }

            Assert.Equal(index.Header.Frames, offsets.Distinct().Count());
            frames += index.Header.Frames;
        }

        return frames;
    }

    private long FramesInFiles() => FramesIn(Directory.EnumerateFiles(Recording, "2*.pcapng"));

    private static long FramesIn(IEnumerable<string> files)
    {
        var frames = 0L;
        var batch = new FrameBatch();
        foreach (var path in files)
        {
            using var source = CaptureFileSource.Open(path, 0, out var error);
            Assert.True(source is not null, error);
            while (source.Lease(batch, 1000) == LeaseResult.Frames)
            {
                frames += batch.Count;
                source.Release(batch);
            }

            Assert.Null(source.Fault);
        }

        return frames;
    }

    /// <summary>A bridge with two ports and a namespace behind each.</summary>
    private sealed class SwitchLab : IDisposable
    {
        private readonly NetNamespace _client = NetNamespace.Create("c");
        private readonly NetNamespace _server = NetNamespace.Create("s");
        private readonly Bridge _bridge;
        private readonly string[] _ports;
        private readonly long _before;
        private int _transfers;

        public SwitchLab()
        {
            Host = NetNamespace.Create("h");
            _bridge = Net.Bridge.Create(Host);
            _ports = [_bridge.AddPort(_client, "10.9.0.1/24").Near, _bridge.AddPort(_server, "10.9.0.2/24").Near];
            _before = Entered();
        }

        public NetNamespace Host { get; }

        public string Bridge => _bridge.Name;

        public long Transfer(long bytes) => TcpTransfer.Run(_client, _server, "10.9.0.2", 5001 + _transfers++, bytes);

        /// <summary>Frames that the ports received since the lab was made.</summary>
        public long EnteredFrames() => Entered() - _before;

        public void Dispose()
        {
            _bridge.Dispose();
            _client.Dispose();
            _server.Dispose();
            Host.Dispose();
        }

        private long Entered() => _ports.Sum(p => Host.Statistic(p, "rx_packets"));
    }
}
