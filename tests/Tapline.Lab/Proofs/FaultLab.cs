// A switch under steady load on which faults are played: port p0 always lives and carries numbered frames of one length,
// port p1 may flap, vanish and come again, the tool port likewise. A counter in a BPF map stands behind the tool port, so that
// it outlives the interface. Owner: the test; Dispose ends the load and removes all of it.
using Tapline.Lab.Capture;
using Tapline.Lab.Frames;
using Tapline.Lab.Kernel;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>The stage of the fault proofs.</summary>
internal sealed class FaultLab : IDisposable
{
    public const string ToolPort = "tool";
    public const string SteadyPort = "p0";
    public const string FlappingPort = "p1";
    private const int SteadyFrameBytes = 128;
    private const int FlappingFrameBytes = 90;
    private const string FarEnd = "e";
    private readonly NetNamespace _vm = NetNamespace.Create("v");
    private readonly NetNamespace _tool = NetNamespace.Create("t");
    private readonly Bridge _bridge;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _loads = [];
    private readonly List<MarkWitness> _witnesses = [];
    private long _receivedByFormerToolPorts;
    private Exception? _loadProblem;

    public FaultLab()
    {
        LabNeeds.Tools("ethtool");
        Host = NetNamespace.Create("h");
        _bridge = Bridge.Create(Host, "br0");
        AddPort(SteadyPort);
        AddPort(FlappingPort);
        MakeToolPort();
        LabWait.Until(
            () => Host.Ip("link", "show", "br0").Contains("state UP", StringComparison.Ordinal),
            "the bridge to come to rest");
    }

    public NetNamespace Host { get; }

    /// <summary>Frames that entered by the steady port.</summary>
    public long Entered => Host.Statistic(SteadyPort, "rx_packets");

    /// <summary>Frames that reached the tool's end, through all tool ports that were.</summary>
    public long ToolReceived => _receivedByFormerToolPorts + _tool.Statistic("eth0", "rx_packets");

    /// <summary>Copies of the flapping port's frames behind the tool port.</summary>
    public long FlappingCopies => _witnesses.Sum(w => w.Changed);

    /// <summary>Copies of any frame behind the tool port, counted where they had arrived.</summary>
    public long Copies => _witnesses.Sum(w => w.Seen);

    public void AddPort(string name)
    {
        _bridge.AddPort(_vm, port: name, farName: FarEnd + name);
        Host.Run("ethtool", "-K", name, "gro", "on"); // lets the frame source's frames in
    }

    /// <summary>Makes the tool port, anew.</summary>
    public void MakeToolPort()
    {
        _ = VethPair.Create(Host, _tool, ToolPort, "eth0");
        Host.Run("ethtool", "-K", ToolPort, "tx", "off");
        _witnesses.Add(MarkWitness.Attach(_tool.Name, "eth0", SteadyFrameBytes));
    }

    /// <summary>Removes the tool port as it is; when it was set down before, its counter is kept to the frame.</summary>
    public void RemoveToolPort()
    {
        _receivedByFormerToolPorts = ToolReceived;
        Host.Ip("link", "del", ToolPort);
    }

    /// <summary>Frames into the steady port from now on, at a rate.</summary>
    public void LoadSteadyPort(double framesPerSecond) => Load(() =>
    {
        using var source = new FrameSource(LinkIndex.Of(FarEnd + SteadyPort), SteadyFrameBytes, flows: 256);
        source.SendPaced(framesPerSecond, seconds: 600, tickMicroseconds: 1000, _stop.Token);
    });

    /// <summary>Frames into the flapping port from now on, whenever it is there and takes them.</summary>
    public void LoadFlappingPort() => Load(() =>
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var sender = new RawSender(LinkIndex.Of(FarEnd + FlappingPort));
                for (uint i = 0; sender.Send(TestFrames.Udp(1, i, FlappingFrameBytes)); i++)
                {
                    if (_stop.IsCancellationRequested)
                    {
                        return;
                    }

                    if (i % 32 == 0)
                    {
                        Thread.Sleep(1);
                    }
                }
            }
            catch (InvalidOperationException)
            {
                // The port is away.
            }

            Thread.Sleep(1);
        }
    });

    /// <summary>Ends the load; returns when its last frame has been sent.</summary>
    public void EndLoad()
    {
        _stop.Cancel();
        _loads.ForEach(l => l.Join());
        _loads.Clear();
        Assert.True(_loadProblem is null, $"{_loadProblem}");
    }

    public void Dispose()
    {
        _stop.Cancel();
        _loads.ForEach(l => l.Join());
        _witnesses.ForEach(w => w.Dispose());
        _vm.Dispose();
        _tool.Dispose();
        _bridge.Dispose();
        Host.Dispose();
        _stop.Dispose();
    }

    private void Load(Action body)
    {
        var thread = new Thread(() =>
        {
            try
            {
                _vm.Enter(body);
            }
            catch (Exception problem)
            {
                _loadProblem = problem;
            }
        });
        thread.Start();
        _loads.Add(thread);
    }
}
