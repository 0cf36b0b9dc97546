// What keeps copies from being copied: the mark, and nothing else. The same frame by the same way is copied without it, so a
// loop would be seen by the tests that look for one. And sessions that would feed each other are refused.
using System.Text.Json;
using Tapline.Base;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Mirror.Kernel;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class LoopTests
{
    private const int Frames = 50;

    /// <summary>As somebody's firewall may set it.</summary>
    private const int OtherMark = 7;

    [Theory]
    [InlineData(MirrorMode.User, false)]
    [InlineData(MirrorMode.Kernel, false)]
    [InlineData(MirrorMode.User, true)]
    public void A_frame_is_copied_unless_it_carries_the_mark(MirrorMode mode, bool isFromHost)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var bridge = Bridge.Create(host, "br0");
        using var port = VethPair.Create(host, host, "vm0", "p0");
        using var toolPort = VethPair.Create(host, tool, "tool", "eth0");
        host.Run("ethtool", "-K", "tool", "tx", "off");
        host.Ip("link", "set", "p0", "master", "br0");
        using var reader = ToolReader.Open(tool, "eth0");
        var plan = new MirrorPlan { Session = "m1", To = "nic:tool", Filter = "udp port 4789", Mode = mode };
        var options = new EngineOptions
        {
            Points = ["bridge:br0"], Mirrors = [plan], Workers = 1, RingBudgetBytes = 64 << 20, CanarySeconds = 0,
        };
        var (engine, fault) = host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        using (engine)
        {
            // By the other end of the port in this namespace, where marks survive; or as the host's own, by the bridge.
            var way = isFromHost ? "br0" : "vm0";
            using (var marked = host.Enter(() => new RawSender(LinkIndex.Of(way), throughQueue: true, mark: CopyMark.Value)))
            using (var plain = host.Enter(() => new RawSender(LinkIndex.Of(way), throughQueue: true)))
            using (var other = host.Enter(() => new RawSender(LinkIndex.Of(way), throughQueue: true, mark: OtherMark)))
            {
                for (var i = 0; i < Frames; i++)
                {
                    Assert.True(marked.Send(Copy(1)) && plain.Send(Copy(2)) && other.Send(Copy(3)));
                }
            }

            LabWait.Until(() => reader.Count >= 2 * Frames, () => $"{2 * Frames} copies; {reader.Count} came");
            var row = engine.Finish().Mirrors[0].Ledger;
            reader.StopAfter(row.SentWireFrames);
            Assert.Equal(2 * Frames, row.Sent);
            Assert.Equal([(2, Frames), (3, Frames)], reader.Frames.CountBy(f => (int)f[^1]).Select(c => (c.Key, c.Value)).Order());
        }
    }

    [Fact]
    public void Sessions_that_would_feed_each_other_are_refused_at_the_start_and_while_others_run()
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 2);
        var (a, b) = (network.Ports[0].Near, network.Ports[1].Near);
        var circle = new EngineOptions
        {
            Points = [$"bridge:{network.Bridge.Name}"], Workers = 1,
            Mirrors =
            [
                new MirrorPlan { Session = "m1", From = [a], To = $"nic:{b}" },
                new MirrorPlan { Session = "m2", From = [b], To = $"nic:{a}" },
            ],
        };
        var before = HostSnapshot.Take(network.Host, _ => false);
        var report = network.Host.Enter(() => EngineRun.Run(circle, CancellationToken.None));
        Assert.Contains("its copies would be copied again", report.Fault, StringComparison.Ordinal);
        Assert.Equal(2, report.ExitCode);
        Assert.Equal(before, HostSnapshot.Take(network.Host, _ => false));

        // The first alone is none; the second is refused, and the first goes on.
        using var engine = LabEngine.Start(
            network.Host, points: 1, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{b};session=m1;from={a}");
        var answer = LabEngine.Ask(
            Path.Combine(engine.Data, "engine.sock"),
            $"{{\"verb\":\"mirror_add\",\"mirror\":{{\"session\":\"m2\",\"from\":[\"{b}\"],\"to\":\"nic:{a}\"}}}}");
        Assert.Contains("its copies would be copied again", answer!.Value.GetProperty("error").GetString(), StringComparison.Ordinal);
        var session = Assert.Single(engine.Snapshot()!.Value.GetProperty("mirrors").EnumerateArray());
        Assert.Equal(("m1", "up"), (session.GetProperty("session").GetString(), session.GetProperty("state").GetString()));
        Assert.Equal(JsonValueKind.Object, engine.Stop().ValueKind);
    }

    // A frame as a tunnel session sends it, with a number at its end.
    private static byte[] Copy(byte number) => new FrameBuilder().Ethernet().Ipv4().Udp(50_000, 4789).Vxlan(9)
        .Ethernet().Ipv4("10.0.1.1", "10.0.1.2").Udp(1, 2).Payload([1, 2, 3, number]).Build();
}
