// A hypervisor's switch in a namespace: a bridge, VMs in namespaces of their own, and a tool port whose far end counts.
// The kernel's counters of its ports are the truth that an engine is compared with. Owner: the test.
using System.Globalization;
using Tapline.Lab.Net;

namespace Tapline.Lab.Nodes;

/// <summary>A bridge with VMs and a tool port.</summary>
internal sealed class LabSwitch : IDisposable
{
    private readonly List<NetNamespace> _vms = [];
    private readonly List<VethPair> _ports = [];
    private readonly NetNamespace _tool;

    public LabSwitch(int vms)
    {
        Host = NetNamespace.Create("h");
        Bridge = Bridge.Create(Host);
        for (var i = 0; i < vms; i++)
        {
            AddVm();
        }

        _tool = NetNamespace.Create("t");
        var port = VethPair.Create(Host, _tool);
        (ToolPort, ToolFarEnd) = (port.Near, port.Far);
        // A wire carries no super-frames: the kernel cuts them up on the way out.
        Host.Ip("link", "set", ToolPort, "gso_max_segs", "1");
    }

    public NetNamespace Host { get; }

    public Bridge Bridge { get; }

    /// <summary>The switch's end of the tool port.</summary>
    public string ToolPort { get; }

    /// <summary>The tool's end.</summary>
    public string ToolFarEnd { get; }

    public IReadOnlyList<NetNamespace> Vms => _vms;

    /// <summary>The bridge's ports, one for each VM.</summary>
    public IReadOnlyList<VethPair> Ports => _ports;

    /// <summary>Frames that reached the tool's end, by the kernel's counter.</summary>
    public long ToolReceived => _tool.Statistic(ToolFarEnd, "rx_packets");

    public static string Address(int vm) => string.Create(CultureInfo.InvariantCulture, $"10.9.0.{vm + 1}");

    public NetNamespace AddVm()
    {
        var vm = NetNamespace.Create("v");
        _ports.Add(Bridge.AddPort(vm, Address(_vms.Count) + "/24"));
        _vms.Add(vm);
        return vm;
    }

    /// <summary>Frames that entered by the VMs' ports so far.</summary>
    public long Entered() => _ports.Sum(port => Host.Statistic(port.Near, "rx_packets"));

    /// <summary>Ends address resolution and waits until no counter moves; returns the frames that entered.</summary>
    public long Rest()
    {
        foreach (var vm in _vms)
        {
            vm.Ip("link", "set", "eth0", "arp", "off");
        }

        var last = -1L;
        LabWait.Until(
            () =>
            {
                var now = Entered();
                var same = now == last;
                last = now;
                if (!same)
                {
                    Thread.Sleep(200);
                }

                return same;
            },
            "the switch to be at rest");
        return last;
    }

    public void Dispose()
    {
        foreach (var vm in _vms)
        {
            vm.Dispose();
        }

        Bridge.Dispose();
        _tool.Dispose();
        Host.Dispose();
    }
}
