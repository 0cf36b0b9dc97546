// Mirror sessions into files and pipes on real rings: what tcpdump saw at the port is in the files, whole at every moment,
// whatever becomes of disk or reader.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Streams;

[Trait("pace", "patient")]
public sealed class FileStreamTests
{
    [Fact]
    public void A_row_of_files_holds_what_tcpdump_saw()
    {
        using var lab = new StreamLab();
        var witness = lab.Witness("udp");
        var process = lab.Mirror($"file:{lab["row.pcapng"]}?rotate=3000f");
        lab.Send(20_000);
        LabWait.Until(() => lab.Files("row_*.pcapng").Length == 7, "the seventh file");
        var underWay = LabCommand.Run("capinfos", "-c", "-M", lab.Files("row_*.pcapng")[^1]);
        Assert.Contains("Number of packets", underWay, StringComparison.Ordinal);
        var session = StreamLab.Ledger(process);
        lab.StopWitness(witness);
        var files = lab.Files("row_*.pcapng");
        Assert.Equal((20_000, 0), (StreamLab.Number(session, "sent"), StreamLab.Dropped(session)));
        Assert.All(files, f => Assert.Matches(@"row_\d{5}_\d{14}\.pcapng$", f));
        Assert.Equal(StreamLab.Frames(lab["witness.pcap"]), StreamLab.Frames(files));
        var about = LabCommand.Run("capinfos", files[0]);
        Assert.Contains("Number of packets:   3000", about, StringComparison.Ordinal);
        Assert.Contains($"Name = {lab.Port}", about, StringComparison.Ordinal);
        Assert.Contains($"on {lab.Network.Bridge.Name}", about, StringComparison.Ordinal);
        Assert.Contains("Filter string = udp", about, StringComparison.Ordinal);
        Assert.Contains("Number of stat entries = 1", about, StringComparison.Ordinal);
    }

    [Fact]
    public void Super_frames_are_segments_on_the_wire_and_whole_as_captured()
    {
        const int Bytes = 4_000_000;
        using var lab = new StreamLab();
        var witness = lab.Witness("tcp");
        using (var engine = LabEngine.Start(
            lab.Host, points: 2, "--point", $"bridge:{lab.Network.Bridge.Name}",
            "--mirror", $"file:{lab["wire"]};session=w;from={lab.Port};filter=tcp",
            "--mirror", $"file:{lab["captured"]}?frames=captured;session=c;from={lab.Port};filter=tcp"))
        {
            Assert.Equal(Bytes, TcpTransfer.Run(lab.Network.Vms[0], lab.Network.Vms[1], LabSwitch.Address(1), 7000, Bytes));
            engine.WaitForAnalysed(lab.Network.Rest());
            var ledger = engine.Stop();
            Assert.All(ledger.GetProperty("mirrors").EnumerateArray(), m => Assert.Equal(0, StreamLab.Dropped(m)));
        }

        lab.StopWitness(witness);
        var whole = StreamLab.Frames(lab["captured"]);
        Assert.Equal(StreamLab.Frames(lab["witness.pcap"]), whole);
        Assert.Contains(whole, f => f.Length / 2 > 1514);
        Assert.All(StreamLab.Frames(lab["wire"]), f => Assert.True(f.Length / 2 <= 1514));
        var payload = LabCommand.Run(
            "tshark", "-n", "-r", lab["wire"], "-T", "fields", "-e", "tcp.len", "-Y", "!tcp.analysis.retransmission");
        Assert.Equal(Bytes, payload.Split('\n', StringSplitOptions.RemoveEmptyEntries).Sum(l => long.Parse(l, null)));
        Assert.Empty(LabCommand.Run(
            "tshark", "-n", "-r", lab["wire"], "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
            "-Y", "tcp.checksum.status == 0 or ip.checksum.status == 0"));
    }

    [Fact]
    public void A_full_disk_costs_counted_frames_and_its_end_none()
    {
        LabNeeds.Tools("mount", "umount");
        using var lab = new StreamLab();
        Directory.CreateDirectory(lab["disk"]);
        var device = LabNames.Next("disk");
        LabCommand.Run("mount", "-t", "tmpfs", "-o", "size=1M", device, lab["disk"]);
        try
        {
            var file = Path.Combine(lab["disk"], "a.pcapng");
            using var engine = LabEngine.Start(
                lab.Host, points: 2, "--point", $"bridge:{lab.Network.Bridge.Name}", "--mirror", $"file:{file};session=f;filter=udp");
            lab.Send(20_000);
            LabWait.Until(() => Session(engine).GetProperty("state").GetString() == "down", "the disk to be full");
            Assert.Contains("no space left", Session(engine).GetProperty("reason").GetString(), StringComparison.Ordinal);
            LabCommand.Run("mount", "-o", "remount,size=64M", lab["disk"]);
            LabWait.Until(() => Session(engine).GetProperty("state").GetString() == "up", "the session to recover");
            Assert.False(Session(engine).TryGetProperty("reason", out _));
            lab.Send(1000);
            LabWait.Until(() => StreamLab.Number(Session(engine), "offered") >= 21_000, "all frames");
            var session = StreamLab.Session(engine.Stop());
            Assert.True(session.GetProperty("dropped").GetProperty("target_down").GetInt64() > 0);
            Assert.Equal(StreamLab.Number(session, "sent"), StreamLab.Frames(file).Count);
            Assert.True(StreamLab.Number(session, "sent") >= 1000);
        }
        finally
        {
            LabCommand.Run("umount", lab["disk"]);
        }
    }

    [Fact]
    public void A_pipeline_ends_when_its_reader_has_seen_enough()
    {
        LabNeeds.Tools("bash");
        using var lab = new StreamLab();
        using var stop = new CancellationTokenSource();
        var load = lab.SendUntil(stop.Token);
        var command = $"'{TaplineProgram.Path()}' mirror --from {lab.Port} --to stdout --json 2> '{lab["errors"]}'"
            + $" | tshark -n -r - -c 500 -T fields -e frame.interface_name -e udp.length; echo ${{PIPESTATUS[0]}}";
        var output = lab.Host.Run("bash", "-c", command).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        stop.Cancel();
        load.Join();
        Assert.Equal("0", output[^1]);
        Assert.Equal(501, output.Length);
        Assert.All(output[..^1], l => Assert.StartsWith(lab.Port + "\t", l, StringComparison.Ordinal));
        var errors = File.ReadAllLines(lab["errors"]);
        Assert.Contains("ready", errors);
        Assert.True(StreamLab.Number(StreamLab.Session(JsonDocument.Parse(errors[^1]).RootElement), "offered") >= 500);
    }

    [Fact]
    public void A_single_frame_leaves_at_once_and_a_silent_reader_that_goes_is_noticed()
    {
        LabNeeds.Tools("mkfifo", "dd");
        using var lab = new StreamLab();
        LabCommand.Run("mkfifo", lab["pipe"]);
        using var reader = LabProcess.Start("dd", $"if={lab["pipe"]}", $"of={lab["copy"]}", "bs=64k", "status=none");
        var process = lab.Mirror($"file:{lab["pipe"]}");
        lab.Send(1);
        LabWait.Until(() => new FileInfo(lab["copy"]).Length > 300, "the frame to have left");
        LabWait.Until(() => StreamLab.Frames(lab["copy"]).Count == 1, "the frame to be whole");
        reader.Signal(9);
        Assert.Equal(0, process.WaitForExit());
    }

    private static JsonElement Session(LabEngine engine) => StreamLab.Session(engine.Snapshot()!.Value);
}
