// Copies that leave through the tapped switch itself are not copied again, and a tunnel to an own listener is refused.
using Tapline.Lab.Net;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Mirror;

public sealed class TunnelLoopTests
{
    private const int Pings = 20;

    [Fact]
    public void A_tool_behind_the_tapped_switch_gets_each_frame_once()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var tool = NetNamespace.Create("t");
        using var bridge = Bridge.Create(host, "br0");
        bridge.AddPort(vm, "10.9.0.1/24", "p1");
        bridge.AddPort(tool, "10.9.0.2/24", "p2");
        host.Ip("address", "add", "10.9.0.254/24", "dev", "br0");
        using var service = tool.Enter(() => new System.Net.Sockets.UdpClient(4789));
        using var reader = ToolReader.Open(tool, "eth0");
        var options = new EngineOptions
        {
            Points = ["bridge:br0"], Mirrors = [new MirrorPlan { Session = "m1", To = "vxlan://10.9.0.2?vni=9" }],
            Workers = 2,
            RingBudgetBytes = 64 << 20,
        };
        var (engine, fault) = host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        using (engine)
        {
            // The answers are the host's own: without the mark, each copy of one would be captured as the next.
            vm.Run("ping", "-c", $"{Pings}", "-i", "0.05", "-W", "2", "10.9.0.254");
            LabWait.Until(() => reader.Count >= 2 * Pings, "copies at the tool");
            var report = engine.Finish();
            var row = report.Mirrors[0].Ledger;
            Assert.Contains(report.Points, p => p.Point == "br0" && p.Counts.Captured >= Pings);
            Assert.Equal(report.Points.Sum(p => p.Counts.Captured), row.Offered);
            Assert.InRange(row.Offered, 2 * Pings, (2 * Pings) + 40);
            Assert.Equal(row.Offered, row.Sent);
            LabWait.Until(() => Copies(reader) >= row.SentWireFrames, () => $"{row.SentWireFrames} copies; {Copies(reader)} came");
            reader.Stop();
            Assert.Equal(row.SentWireFrames, Copies(reader));
        }
    }

    [Fact]
    public void A_tunnel_to_an_own_listener_is_refused()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host, "br0");
        host.Ip("address", "add", "10.9.0.254/24", "dev", "br0");
        var options = new EngineOptions
        {
            Points = ["bridge:br0", "vxlan://:4789"], Mirrors = [new MirrorPlan { Session = "m1", To = "vxlan://10.9.0.254" }],
            Workers = 1,
        };
        var report = host.Enter(() => EngineRun.Run(options, CancellationToken.None));
        Assert.Contains("vxlan://:4789 of this engine listens there", report.Fault, StringComparison.Ordinal);
        Assert.Equal(2, report.ExitCode);
    }

    private static int Copies(ToolReader reader)
    {
        var count = 0;
        for (var i = 0; i < reader.Count; i++)
        {
            var frame = reader.Frames[i];
            var isUdp = frame.Length > 50 && frame[12] == 8 && frame[13] == 0 && frame[23] == 17;
            count += isUdp && frame[36] == 0x12 && frame[37] == 0xB5 ? 1 : 0;
        }

        return count;
    }
}
