// The main job under load: every frame that enters the switch is seen once, mirrored, received by the tool and recorded,
// while super-frames of several connections and a stream of small frames cross it at the same time.
using System.Text.Json;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Tests;

public sealed class SwitchUnderLoadTests
{
    private const long TransferBytes = 60_000_000;
    private const int SmallFrames = 60_000;
    private const int SmallFramesPerSecond = 30_000;

    [Fact]
    public void What_entered_is_seen_once_mirrored_received_by_the_tool_and_recorded()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "capinfos");
        using var network = new LabSwitch(vms: 4);
        network.Host.Run("ethtool", "-K", network.Ports[3].Near, "gro", "on"); // lets the frame source's frames in
        var recording = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
        try
        {
            using var engine = LabEngine.Start(
                network.Host, points: 4, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{network.ToolPort}",
                "--record", recording);
            var before = network.Entered();
            Load(network);
            var entered = network.Rest() - before;
            engine.WaitForAnalysed(entered);
            var ledger = engine.Stop();

            Assert.True(entered > SmallFrames, $"{entered} frames entered");
            Assert.Equal(entered, Number(ledger, "arrived"));
            Assert.Equal(0, Number(ledger, "dropped_ring"));
            Assert.Equal(entered, Number(ledger, "analysed"));
            var mirror = ledger.GetProperty("mirrors")[0];
            Assert.Equal(entered, Number(mirror, "offered"));
            Assert.Equal(entered, Number(mirror, "sent"));
            Assert.Equal(Number(mirror, "sent_wire_frames"), network.ToolReceived);
            Assert.True(Number(mirror, "sent_wire_frames") > entered, "super-frames were cut into wire frames");
            Assert.Equal(entered, Number(ledger, "recorded"));
            Assert.Equal(entered, FramesIn(recording));
        }
        finally
        {
            Directory.Delete(recording, recursive: true);
        }
    }

    private static void Load(LabSwitch network)
    {
        var vms = network.Vms;
        (int From, int To)[] transfers = [(0, 1), (1, 2), (2, 0)];
        var threads = transfers.Select(t => new Thread(() =>
            TcpTransfer.Run(vms[t.From], vms[t.To], LabSwitch.Address(t.To), 5000 + t.From, TransferBytes))).ToList();
        threads.Add(new Thread(() => vms[3].Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of("eth0"), frameBytes: 128, flows: 1024);
            source.SendPaced(SmallFramesPerSecond, (double)SmallFrames / SmallFramesPerSecond, tickMicroseconds: 1000);
        })));
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }

    private static long FramesIn(string folder) => Directory.GetFiles(folder, "*.pcapng", SearchOption.AllDirectories)
        .Sum(file => long.Parse(
            LabCommand.Run("capinfos", "-TrcM", file).Trim().Split('\t')[^1], System.Globalization.CultureInfo.InvariantCulture));

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}
