// The VXLAN device of the kernel path over its life: gone with the engine however that ends, nobody's port, closed to everybody
// else, down with its way and up again; and which path a tunnel takes, and why.
using System.Net;
using System.Net.Sockets;
using Tapline.Base.Native;
using Tapline.Capture.Points;
using Tapline.Lab.Frames;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Mirror.Kernel;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

public sealed class KernelTunnelLifeTests
{
    private const string Device = "tapline-v0";
    private static readonly int s_kills = LabNeeds.Rounds(always: 3, full: 20);

    [Fact]
    public void Killed_again_and_again_under_load_it_leaves_links_filters_and_objects_as_they_were()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        var before = HostSnapshot.Take(lab.Host, _ => false);
        for (var kill = 0; kill < s_kills; kill++)
        {
            using var engine = LabEngine.Start(
                lab.Host, points: 2, "--point", "bridge:br0", "--mirror", $"{TunnelWay.Plan().To};mode=kernel");
            Assert.Contains(Device, lab.Host.Ip("link", "show"), StringComparison.Ordinal);
            var held = BpfObjects.HeldBy(engine.ProcessId);
            Assert.Contains(held, h => h.Kind == "link_id");
            var received = lab.ToolReceived;
            var load = new Thread(() => lab.Send(60_000));
            load.Start();
            LabWait.Until(() => lab.ToolReceived > received + 1000, "copies under load");
            engine.Kill();
            load.Join();
            LabWait.Until(
                () => !held.Any(BpfObjects.Exists),
                () => "the kernel to free " + string.Join(", ", held.Where(BpfObjects.Exists)));
            LabWait.Until(
                () => HostSnapshot.Take(lab.Host, _ => false) == before,
                () => $"the host to be as before:\n{before}\n--- now:\n{HostSnapshot.Take(lab.Host, _ => false)}");
        }

        var last = lab.ToolReceived;
        lab.Send(1000);
        Assert.Equal(last, lab.ToolReceived);
    }

    [Fact]
    public void A_way_that_goes_down_costs_counted_copies_and_comes_back()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        var entered = lab.Send(1000);

        // First the link of the tool's side, which the route survives; then the host's, which it does not.
        lab.Tool.Ip("link", "set", TunnelWay.Far, "down");
        LabWait.Until(() => !IsUp(engine), "the lost carrier to be noticed");
        entered += lab.Send(1000);
        lab.Tool.Ip("link", "set", TunnelWay.Far, "up");
        LabWait.Until(() => Comes(lab, ref entered), "copies after the link was up again");
        lab.Host.Ip("link", "set", KernelLab.ToolPort, "down");
        entered += lab.Send(1000);
        LabWait.Until(() => !IsUp(engine), "the lost route to be noticed");
        lab.Host.Ip("link", "set", KernelLab.ToolPort, "up");
        TunnelWay.Neighbour(lab.Host, KernelLab.ToolPort);
        LabWait.Until(() => Comes(lab, ref entered), "copies after the route was back");

        // Somebody removes the device: it is made anew.
        lab.Host.Ip("link", "del", Device);
        LabWait.Until(() => Comes(lab, ref entered), "copies through a new device");
        var row = KernelPathTests.Balanced(engine.Finish());
        Assert.Equal(entered, row.Offered);
        Assert.True(row.DroppedTargetDown >= 2000, $"{row.DroppedTargetDown} copies met no way");
        Assert.Equal(0, row.DroppedError);
        Assert.Equal(row.Sent, lab.ToolReceived);
    }

    [Fact]
    public void A_tool_that_serves_nothing_is_down()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        TunnelWay.Answer(lab.Tool);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan() with { To = TunnelWay.Plan().To.Replace("&refusal=ignore", "") });
        LabWait.Until(
            () =>
            {
                lab.Send(10);
                return !IsUp(engine);
            },
            "the refusal to be noticed");
        engine.Finish();
    }

    [Fact]
    public void Nobody_else_sends_into_the_device_and_nothing_comes_in_by_it()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        var device = lab.Host.Ip("-d", "link", "show", Device);
        Assert.DoesNotContain("proxy", device.Replace("noproxy", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains($"alias tapline {Environment.ProcessId}: copies of m1 to vxlan://", device, StringComparison.Ordinal);

        // A daemon that greets every interface: its frames end at the guard.
        lab.Host.Ip("address", "add", "10.66.0.1/24", "dev", Device);
        lab.Host.TryRun("ping", "-q", "-c", "3", "-i", "0.05", "-W", "1", "10.66.0.2");
        Assert.Equal(0, lab.Host.Statistic(Device, "tx_packets"));

        // A packet of the tunnel's own format, to the port at which the device must listen: the host answers nothing inside.
        var port = int.Parse(device.Split("dstport ")[1].Split(' ')[0], null);
        var arp = ArpRequest("10.66.0.1");
        lab.Tool.Ip("address", "add", "10.7.0.2/24", "dev", TunnelWay.Far);
        lab.Tool.Enter(() =>
        {
            using var sender = new UdpClient(AddressFamily.InterNetwork);
            for (var i = 0; i < 10; i++)
            {
                sender.Send([8, 0, 0, 0, 0, 0, 0, 0, .. arp], new IPEndPoint(IPAddress.Parse("10.7.0.1"), port));
            }
        });
        LabWait.Until(() => lab.Host.Statistic(Device, "rx_packets") >= 10, "the packets to reach the device");
        Assert.DoesNotContain("10.66.0.9", lab.Host.Ip("neighbour", "show"), StringComparison.Ordinal);
        Assert.Equal(0, lab.Host.Statistic(Device, "tx_packets"));
        var entered = lab.Send(100);
        Assert.Equal(entered, KernelPathTests.Balanced(engine.Finish()).Sent);
    }

    [Fact]
    public void The_devices_are_nobodys_ports()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        Assert.Contains("tapline-h0", lab.Host.Ip("link", "show"), StringComparison.Ordinal);
        var names = lab.Host.Enter(() =>
        {
            using var inventory = LinkInventory.Open(out _);
            return inventory!.ReadAll()!.Values.Select(l => l.Name).ToList();
        });
        Assert.Contains("p1", names);
        Assert.DoesNotContain(names, n => n.StartsWith("tapline", StringComparison.Ordinal));
        engine.Finish();
    }

    [Fact]
    public void A_vxlan_device_of_somebody_else_at_the_same_port_is_no_obstacle()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        lab.Host.Ip("link", "add", "theirs", "type", "vxlan", "external", "dstport", "4789");
        lab.Host.Ip("link", "set", "theirs", "up");
        using (var engine = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan()))
        {
            var entered = lab.Send(1000);
            Assert.Equal(entered, KernelPathTests.Balanced(engine.Finish()).Sent);
        }

        // And theirs can come and go while ours is there.
        using var next = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        lab.Host.Ip("link", "set", "theirs", "down");
        lab.Host.Ip("link", "set", "theirs", "up");
        next.Finish();
    }

    [Fact]
    public void Where_the_device_cannot_be_made_auto_takes_the_user_path_and_nothing_half_made_is_left()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);

        // A name that is taken is no obstacle, so many are.
        const int Taken = 10;
        for (var i = 0; i < Taken; i += 2)
        {
            lab.Host.Ip("link", "add", $"tapline-v{i}", "type", "veth", "peer", "name", $"tapline-v{i + 1}");
        }

        var before = HostSnapshot.Take(lab.Host, _ => false);
        var (refused, fault) = lab.TryStart(KernelHookKind.Tcx, analyse: false, TunnelWay.Plan());
        Assert.Null(refused);
        Assert.Contains("The kernel makes no VXLAN device", fault!.Fault, StringComparison.Ordinal);
        Assert.EndsWith("Use --mode user.", fault.Fault, StringComparison.Ordinal);
        Assert.Equal(before, HostSnapshot.Take(lab.Host, _ => false));
        using (var engine = lab.Start(KernelHookKind.Tcx, analyse: true, TunnelWay.Plan(mode: MirrorMode.Auto)))
        {
            Assert.StartsWith("user path: The kernel makes no VXLAN device", engine.Paths[0].Why, StringComparison.Ordinal);
            var entered = lab.Send(1000);
            LabWait.Until(() => lab.ToolReceived >= entered, "the copies");
            Assert.Equal(entered, KernelPathTests.Balanced(engine.Finish()).Sent);
        }

        lab.Host.Ip("link", "del", "tapline-v8");
        using var last = lab.Start(KernelHookKind.Tcx, TunnelWay.Plan());
        Assert.Contains("alias tapline", lab.Host.Ip("-d", "link", "show", "tapline-v8"), StringComparison.Ordinal);
        last.Finish();
    }

    [Fact]
    public void A_canary_comes_out_of_the_tunnel()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        using var reader = ToolReader.Open(lab.Tool, TunnelWay.Far);
        using var engine = LabEngine.Start(
            lab.Host, points: 2, "--point", "bridge:br0", "--mirror", $"{TunnelWay.Plan().To};mode=kernel;filter=tcp port 9",
            "--canary", "1s");
        LabWait.Until(() => TunnelWay.Copies(reader) >= 3, "canaries");
        var mirror = engine.Stop().GetProperty("mirrors")[0];
        var sent = mirror.GetProperty("canary").GetProperty("sent").GetInt64();

        // One may be under way as the engine ends.
        Assert.InRange(mirror.GetProperty("canary").GetProperty("delivered").GetInt64(), sent - 1, sent);
        Assert.Equal(sent, mirror.GetProperty("sent").GetInt64());
        Assert.Equal(sent, TunnelWay.Inner(reader).Count);
    }

    [Fact]
    public void The_path_is_chosen_by_what_fits_and_what_the_kernel_can()
    {
        LabNeeds.Namespaces();
        using var lab = new KernelLab();
        TunnelWay.Open(lab.Host, lab.Tool, KernelLab.ToolPort);
        var auto = TunnelWay.Plan(mode: MirrorMode.Auto);
        Assert.StartsWith("kernel path: ", Explain(lab, auto), StringComparison.Ordinal);
        Assert.Contains("oversize= changes copies", Explain(lab, auto with { To = auto.To + "&oversize=slice" }), StringComparison.Ordinal);
        Assert.Contains("no geneve device", Explain(lab, auto with { To = "geneve://10.7.0.2" }), StringComparison.Ordinal);
        Assert.Contains("there is no route to 10.200.0.1", Explain(lab, auto with { To = "vxlan://10.200.0.1" }), StringComparison.Ordinal);
        TunnelWay.SetMtu(lab.Host, lab.Tool, KernelLab.ToolPort, 1553);
        Assert.Contains(
            "frames of up to 1518 bytes enter, of which the way to 10.7.0.2 takes 1517", Explain(lab, auto), StringComparison.Ordinal);
        Assert.StartsWith("user path: ", Explain(lab, auto), StringComparison.Ordinal);
        Assert.StartsWith("kernel path as asked for, but ", Explain(lab, TunnelWay.Plan()), StringComparison.Ordinal);
        TunnelWay.SetMtu(lab.Host, lab.Tool, KernelLab.ToolPort, 1554);
        Assert.StartsWith("kernel path: ", Explain(lab, auto), StringComparison.Ordinal);
        lab.Host.Run("ethtool", "-K", KernelLab.ToolPort, "tx", "on");
        Assert.Contains($"ethtool -K {KernelLab.ToolPort} tx off", Explain(lab, auto), StringComparison.Ordinal);
        Assert.DoesNotContain("tapline", lab.Host.Ip("link", "show"), StringComparison.Ordinal);
    }

    private static string Explain(KernelLab lab, MirrorPlan plan) => lab.Host.Enter(() =>
        KernelPlanning.Decide(new EngineOptions { Points = ["bridge:br0"], Mirrors = [plan] }, out _)![0].Why);

    private static bool IsUp(Engine engine) => engine.Running.All(m => m.IsUp);

    private static bool Comes(KernelLab lab, ref long entered)
    {
        var received = lab.ToolReceived;
        entered += lab.Send(10);
        return lab.ToolReceived > received;
    }

    // RFC 826: 10.66.0.9 asks for an address.
    private static byte[] ArpRequest(string wanted) =>
    [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 66, 0, 9,
        0, 0, 0, 0, 0, 0, .. IPAddress.Parse(wanted).GetAddressBytes(),
    ];
}
