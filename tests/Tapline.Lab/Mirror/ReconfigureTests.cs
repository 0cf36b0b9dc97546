// Mirror sessions that come, change and go while frames flow: what stays as it is loses nothing, what is wrong changes
// nothing, and every session's ledger balances for the time it ran.
using System.Text.Json;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Mirror;

[Trait("pace", "patient")]
public sealed class ReconfigureTests
{
    private const int FramesPerSecond = 50_000;

    [Fact]
    public void Sessions_come_and_go_under_load_and_the_one_that_stays_loses_nothing()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        using var network = new LabSwitch(vms: 1);
        using var second = NetNamespace.Create("u");
        using var other = VethPair.Create(network.Host, second);
        network.Host.Run("ethtool", "-K", network.Ports[0].Near, "gro", "on");
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{network.ToolPort};session=stays");
        var before = network.Entered();
        using var stop = new CancellationTokenSource();
        var load = new Thread(() => network.Vms[0].Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of("eth0"), frameBytes: 128, flows: 1024);
            source.SendPaced(FramesPerSecond, seconds: 60, tickMicroseconds: 1000, stop.Token);
        }));
        load.Start();
        for (var round = 0; round < 5; round++)
        {
            var to = $"\"session\":\"comes{round}\",\"to\":\"nic:{other.Near}\",\"filter\":\"udp\"";
            Assert.Equal(2, Sessions(Order(engine, $"{{\"verb\":\"mirror_add\",\"mirror\":{{{to}}}}}")));
            var offered = 0L;
            LabWait.Until(() => (offered = Offered(engine, $"comes{round}")) > 1000, "frames for the new session");
            Assert.Contains(
                "two mirror sessions", Refusal(engine, $"{{\"verb\":\"mirror_add\",\"mirror\":{{{to}}}}}"),
                StringComparison.Ordinal);
            Assert.Contains(
                "no interface nosuch",
                Refusal(engine, "{\"verb\":\"mirror_add\",\"mirror\":{\"session\":\"x\",\"to\":\"nic:nosuch\"}}"),
                StringComparison.OrdinalIgnoreCase);
            Assert.Contains("switch", Refusal(
                engine, $"{{\"verb\":\"mirror_add\",\"mirror\":{{\"session\":\"x\",\"to\":\"nic:{network.Bridge.Name}\"}}}}"),
                StringComparison.Ordinal);
            Assert.Equal(1, Sessions(Order(engine, $"{{\"verb\":\"mirror_remove\",\"session\":\"comes{round}\"}}")));
            Assert.Contains("no mirror session", Refusal(
                engine, $"{{\"verb\":\"mirror_remove\",\"session\":\"comes{round}\"}}"), StringComparison.Ordinal);
        }

        stop.Cancel();
        load.Join();
        var entered = network.Rest() - before;
        engine.WaitForAnalysed(entered);
        var ledger = engine.Stop();
        var mirrors = ledger.GetProperty("mirrors").EnumerateArray().ToList();
        Assert.Equal(6, mirrors.Count);
        Assert.All(mirrors, m => Assert.Equal(Number(m, "offered"), Number(m, "sent") + Number(m, "filtered") + Dropped(m)));
        Assert.Equal(entered, Number(ledger, "captured"));
        Assert.Equal((entered, entered), (Number(mirrors[0], "offered"), Number(mirrors[0], "sent")));
        Assert.Equal(entered, network.ToolReceived);
        Assert.Equal(mirrors.Skip(1).Sum(m => Number(m, "sent_wire_frames")), second.Statistic(other.Far, "rx_packets"));
    }

    [Fact]
    public void A_configuration_that_changes_is_followed_and_one_that_is_wrong_changes_nothing()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 2);
        var folder = Directory.CreateTempSubdirectory("tapline-lab-");
        var file = Path.Combine(folder.FullName, "node.yaml");
        var yaml = $"points: [\"bridge:{network.Bridge.Name}\"]\nmirrors:\n  - {{session: a, to: \"nic:{network.ToolPort}\"";
        File.WriteAllText(file, yaml + "}\n");
        using (var engine = LabEngine.Start(network.Host, points: 2, "--config", file))
        {
            Assert.Equal("every", Filter(engine));
            File.WriteAllText(file, yaml + ", filter: \"tcp port 80\"}\n");
            LabWait.Until(() => Filter(engine) == "tcp port 80", "the new filter to be in force");
            File.WriteAllText(file, yaml + ", filter: \"tcp prt 80\"}\n");
            Thread.Sleep(3000); // three looks at the file
            Assert.Equal("tcp port 80", Filter(engine));
            File.WriteAllText(file, yaml + "}\n");
            LabWait.Until(() => Filter(engine) == "every", "the mended configuration to be in force");
            engine.Stop();
        }

        folder.Delete(recursive: true);
    }

    private static JsonElement Order(LabEngine engine, string request)
    {
        var answer = LabEngine.Ask(Path.Combine(engine.Data, "engine.sock"), request);
        Assert.NotNull(answer);
        return answer.Value;
    }

    private static string Refusal(LabEngine engine, string request)
    {
        var answer = Order(engine, request);
        Assert.True(answer.TryGetProperty("error", out var error), answer.GetRawText());
        return error.GetString()!;
    }

    private static int Sessions(JsonElement answer)
    {
        Assert.True(answer.TryGetProperty("mirrors", out var mirrors), answer.GetRawText());
        return mirrors.GetArrayLength();
    }

    private static long Offered(LabEngine engine, string session) =>
        Order(engine, "{\"verb\":\"mirrors\"}").GetProperty("mirrors").EnumerateArray()
            .Where(m => m.GetProperty("session").GetString() == session).Sum(m => Number(m, "offered"));

    private static string Filter(LabEngine engine)
    {
        var session = Order(engine, "{\"verb\":\"mirrors\"}").GetProperty("mirrors")[0];
        return session.TryGetProperty("filter", out var filter) ? filter.GetString()! : "every";
    }

    private static long Dropped(JsonElement mirror) => mirror.GetProperty("dropped").EnumerateObject().Sum(d => d.Value.GetInt64());

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}
