// A switch with a port into which the frame source sends, and a tool behind a veth whose transmit offloads are off, so
// that its far end sees what a wire would carry. The kernel's own counters at both ends are the truth. Owner: the test.
using Tapline.Base.Native;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Kernel;

/// <summary>What a test of the kernel path stands on.</summary>
internal sealed class KernelLab : IDisposable
{
    public const string ToolPort = "tool";
    public static readonly NicTarget Target = new(ToolPort);
    private readonly NetNamespace _vm = NetNamespace.Create("v");
    private readonly NetNamespace _tool = NetNamespace.Create("t");

    public KernelLab()
    {
        LabNeeds.Tools("ethtool");
        Host = NetNamespace.Create("h");
        Bridge = Bridge.Create(Host, "br0");
        AddPort("p1");
        MakeToolPort();
        LabWait.Until(
            () => Host.Ip("link", "show", "br0").Contains("state UP", StringComparison.Ordinal), "the bridge to come to rest");
    }

    public NetNamespace Host { get; }

    public NetNamespace Tool => _tool;

    public NetNamespace Vm => _vm;

    public Bridge Bridge { get; }

    /// <summary>Frames at the tool's end, by the kernel's counter.</summary>
    public long ToolReceived => _tool.Statistic("eth0", "rx_packets");

    public long ToolReceivedBytes => _tool.Statistic("eth0", "rx_bytes");

    /// <summary>A session to the tool port, in the kernel or not at all.</summary>
    public static MirrorPlan Plan(string session = "m1", int sampleOneIn = 1, params string[] from) => new()
    {
        Session = session, To = $"nic:{ToolPort}", Mode = MirrorMode.Kernel,
        Shape = sampleOneIn == 1 ? null : $"sample={sampleOneIn}", From = from,
    };

    /// <summary>A port of the switch whose far end is the VM's interface "e" + name.</summary>
    public void AddPort(string name)
    {
        Bridge.AddPort(_vm, port: name, farName: "e" + name);
        Host.Run("ethtool", "-K", name, "gro", "on"); // lets the frame source's frames in
    }

    /// <summary>Makes the tool port anew.</summary>
    public void MakeToolPort()
    {
        _ = VethPair.Create(Host, _tool, ToolPort, "eth0");
        Host.Run("ethtool", "-K", ToolPort, "tx", "off");
    }

    public Engine Start(KernelHookKind hook, params MirrorPlan[] plans) => Start(hook, analyse: false, plans);

    public Engine Start(KernelHookKind hook, bool analyse, params MirrorPlan[] plans)
    {
        var (engine, fault) = TryStart(hook, analyse, plans);
        Assert.True(engine is not null, fault?.Fault);
        return engine;
    }

    public Engine Start(KernelHookKind hook, string[] points, params MirrorPlan[] plans)
    {
        var (engine, fault) = TryStart(hook, analyse: false, points, plans);
        Assert.True(engine is not null, fault?.Fault);
        return engine;
    }

    public (Engine? Engine, EngineReport? Fault) TryStart(KernelHookKind hook, bool analyse, params MirrorPlan[] plans) =>
        TryStart(hook, analyse, ["bridge:br0"], plans);

    private (Engine? Engine, EngineReport? Fault) TryStart(
        KernelHookKind hook, bool analyse, string[] points, MirrorPlan[] plans)
    {
        var options = new EngineOptions
        {
            Points = points, Mirrors = plans, Workers = 1, RingBudgetBytes = 256 << 20, Analyse = analyse, CanarySeconds = 0,
            KernelHook = hook,
        };
        return Host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
    }

    /// <summary>
    /// Sends until so many frames have entered by a port; returns how many did by its counter. Few may be meant for one that is down.
    /// </summary>
    public long Send(long frames, int frameBytes = 64, string port = "p1")
    {
        var before = Host.Statistic(port, "rx_packets");
        _vm.Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of("e" + port), frameBytes, flows: 256);
            source.SendUntilTaken(frames, "e" + port);
        });
        var entered = Host.Statistic(port, "rx_packets") - before;
        Assert.True(entered >= frames || frames < 100, $"{entered} of {frames} frames entered");
        return entered;
    }

    public void Dispose()
    {
        _vm.Dispose();
        _tool.Dispose();
        Bridge.Dispose();
        Host.Dispose();
    }
}
