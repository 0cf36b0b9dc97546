// Wireshark's own programs as clients: over TCP, and with Tapline in their list of interfaces.
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Streams;

[Trait("pace", "patient")]
public sealed class WiresharkTests
{
    private const int Port = 57012;

    [Fact]
    public void Two_clients_get_every_frame_and_a_slow_one_harms_neither()
    {
        const int Frames = 30_000;
        using var lab = new StreamLab();
        using var engine = LabEngine.Start(
            lab.Host, points: 2, "--point", $"bridge:{lab.Network.Bridge.Name}", "--mirror",
            $"pcap-over-ip://:{Port};session=w;filter=udp");
        lab.Send(100);
        LabWait.Until(() => StreamLab.Number(Session(engine), "filtered") >= 100, "frames without a client");
        Assert.Equal(0, StreamLab.Number(Session(engine), "sent"));
        using var slow = lab.Host.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        slow.Connect(IPAddress.Loopback, Port);
        var clients = new[] { "1.pcapng", "2.pcapng" }.Select(f => lab.Host.Start(
            "tshark", "-q", "-n", "-i", $"TCP@127.0.0.1:{Port}", "-w", lab[f], "-c", $"{Frames}")).ToList();
        LabWait.Until(() => Clients(engine).Count == 3, "three clients");
        lab.Send(Frames, bytes: 1400, perSecond: 10_000);
        clients.ForEach(c => Assert.Equal(0, c.WaitForExit()));
        var left = Assert.Single(Clients(engine), c => StreamLab.Number(c, "dropped") > 0);
        Assert.Equal(Frames, StreamLab.Number(left, "sent") + StreamLab.Number(left, "dropped"));
        slow.Close(0);
        LabWait.Until(() => Clients(engine).Count == 0, "the clients to be gone");
        var session = StreamLab.Session(engine.Stop());
        Assert.Equal((Frames, 0), (StreamLab.Number(session, "sent"), StreamLab.Dropped(session)));
        Assert.Equal(Frames, StreamLab.Frames(lab["1.pcapng"]).Count);
        Assert.Equal(StreamLab.Frames(lab["1.pcapng"]), StreamLab.Frames(lab["2.pcapng"]));
    }

    [Fact]
    public void Wireshark_lists_the_points_and_captures_at_them()
    {
        using var lab = new StreamLab();
        string[] user = ["env", $"HOME={lab["home"]}", $"XDG_CONFIG_HOME={lab["home"]}/.config"];
        string[] tshark = [.. user, "tshark"];
        LabCommand.Run([.. user, TaplineProgram.Path(), "extcap", "--install", "--user"]);
        var list = lab.Host.Run([.. tshark, "-D"]);
        Assert.Contains($"tapline-switch-{lab.Network.Bridge.Name} (Tapline: everything that enters", list, StringComparison.Ordinal);
        Assert.Contains($"tapline-port-{lab.Port} (Tapline: {lab.Network.Vms[0].Name} ({lab.Port} on", list, StringComparison.Ordinal);
        using var stop = new CancellationTokenSource();
        var load = lab.SendUntil(stop.Token);
        lab.Host.Run(
            [.. tshark, "-q", "-n", "-i", $"tapline-switch-{lab.Network.Bridge.Name}", "-f", "udp", "-c", "1000", "-w", lab["got.pcapng"]]);
        stop.Cancel();
        load.Join();
        Assert.Equal(1000, StreamLab.Frames(lab["got.pcapng"]).Count);
        var script = lab["home/.config/wireshark/extcap/tapline"];
        Assert.Empty(lab.Host.Run(script, "--extcap-interface", $"tapline-port-{lab.Port}", "--extcap-capture-filter", "tcp port 80"));
        Assert.NotEmpty(lab.Host.Run(script, "--extcap-interface", $"tapline-port-{lab.Port}", "--extcap-capture-filter", "tcp prt 80"));
        LabCommand.Run([.. user, TaplineProgram.Path(), "extcap", "--remove", "--user"]);
        Assert.False(File.Exists(script));
    }

    private static JsonElement Session(LabEngine engine) => StreamLab.Session(engine.Snapshot()!.Value);

    private static List<JsonElement> Clients(LabEngine engine) => [.. Session(engine).GetProperty("clients").EnumerateArray()];
}
