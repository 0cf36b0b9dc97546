// The engine on a host that changes and on a host that must not: VMs that come and go while frames flow, and an end by
// any signal after which the host is exactly as before.
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Tests;

public sealed class EngineLifeTests
{
    [Fact]
    public void Vms_that_come_and_go_are_followed_and_the_others_lose_nothing()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var network = new LabSwitch(vms: 2);
        using var engine = LabEngine.Start(network.Host, points: 2, "--point", $"bridge:{network.Bridge.Name}");
        var before = network.Entered();
        using var steady = network.Vms[0].Start("ping", "-q", "-i", "0.002", "-w", "60", LabSwitch.Address(1));

        var guest = network.AddVm();
        var port = network.Ports[2].Near;
        LabWait.Until(() => State(engine, port) == "up", "the new VM's port to be observed");
        guest.Run("ping", "-c", "20", "-i", "0.01", LabSwitch.Address(0));
        LabWait.Until(() => Captured(engine, port) >= 20, "the new VM's frames");
        LabWait.Until(
            () => Captured(engine, port) == network.Host.Statistic(port, "rx_packets"), "all that the port received, no more");
        network.Host.Ip("link", "set", port, "down");
        LabWait.Until(() => State(engine, port) == "down", "the port to be seen down");
        var guestFrames = network.Host.Statistic(port, "rx_packets");
        network.Host.Ip("link", "del", port);
        LabWait.Until(() => State(engine, port) is "gone" or null, "the port to be seen gone");

        steady.Stop();
        foreach (var vm in network.Vms.Take(2))
        {
            vm.Ip("link", "set", "eth0", "arp", "off");
        }

        var entered = network.Ports.Take(2).Sum(p => network.Host.Statistic(p.Near, "rx_packets")) + guestFrames - before;
        engine.WaitForAnalysed(entered);
        var ledger = engine.Stop();
        Assert.Equal(entered, ledger.GetProperty("analysed").GetInt64());
        Assert.Equal(0, ledger.GetProperty("dropped_ring").GetInt64());
    }

    [Theory]
    [InlineData(2)] // Ctrl-C
    [InlineData(15)] // SIGTERM
    [InlineData(9)] // nothing but the kernel can clean up
    public void However_the_engine_ends_the_host_is_as_before(int signal)
    {
        LabNeeds.Namespaces();
        using var network = new LabSwitch(vms: 2);
        var before = HostSnapshot.Take(network.Host, _ => false);
        var recording = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
        using (var engine = LabEngine.Start(
            network.Host, points: 2, "--point", $"bridge:{network.Bridge.Name}", "--mirror", $"nic:{network.ToolPort}",
            "--record", recording))
        {
            TcpTransfer.Run(network.Vms[0], network.Vms[1], LabSwitch.Address(1), 5000, 5_000_000);
            if (signal == 9)
            {
                engine.Kill();
            }
            else
            {
                engine.Stop(signal);
            }
        }

        Directory.Delete(recording, recursive: true);
        // Sockets of a killed process are closed by the kernel a moment after it is reaped.
        LabWait.Until(() => HostSnapshot.Take(network.Host, _ => false) == before, () => Difference(before, network.Host));
    }

    [Fact]
    public void An_engine_that_is_only_disposed_has_drained_and_published_first()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var network = new LabSwitch(vms: 2);
        using var recording = new LabFolder();
        var options = new EngineOptions
        {
            Points = [$"bridge:{network.Bridge.Name}"], Workers = 1, RingBudgetBytes = 64 << 20,
            Record = new RecordPlan { Folder = recording.Path },
        };
        var (engine, fault) = network.Host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        network.Vms[0].Run("ping", "-c", "20", "-i", "0.01", LabSwitch.Address(1));
        engine.Dispose();
        var segment = Assert.Single(Directory.GetFiles(recording.Path, "*.pcapng"), f => !Path.GetFileName(f).StartsWith('.'));
        Assert.True(Streams.StreamLab.Frames(segment).Count >= 40, "both directions of twenty pings");
    }

    private static string Difference(string before, NetNamespace host) =>
        $"the host to be as before:\n{before}\n--- now:\n{HostSnapshot.Take(host, _ => false)}";

    private static string? State(LabEngine engine, string port) => Point(engine, port)?.GetProperty("state").GetString();

    private static long Captured(LabEngine engine, string port) => Point(engine, port)?.GetProperty("captured").GetInt64() ?? 0;

    private static System.Text.Json.JsonElement? Point(LabEngine engine, string port) =>
        engine.Snapshot()?.GetProperty("points").EnumerateArray()
            .Where(point => point.GetProperty("point").GetString() == port)
            .Cast<System.Text.Json.JsonElement?>().FirstOrDefault();
}
