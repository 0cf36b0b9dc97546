// A switch of any kind with machines in namespaces, a tcpdump at each machine's port and one behind the tool port, and what
// a mirror of it must be: each frame that a machine sent, once, as a wire would carry it. In: how a machine is plugged in.
// Owner: the test; Dispose removes namespaces and witnesses, the switch is its maker's.
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>Machines, their ports and a tool.</summary>
internal sealed class TappedSwitch : IDisposable
{
    public const string ToolPort = "tool";
    private const int MtuBytes = 1500;
    private readonly NetNamespace _tool = NetNamespace.Create("t");
    private readonly List<(NetNamespace Vm, string Port, Witness Witness)> _machines = [];

    public TappedSwitch()
    {
        LabNeeds.Tools("ethtool", "tcpdump");
        _ = VethPair.Create(Host, _tool, ToolPort, "eth0");
        Host.Run("ethtool", "-K", ToolPort, "tx", "off");
        AtTool = Witness.Start(_tool, "eth0");
    }

    /// <summary>Where the switch is.</summary>
    public NetNamespace Host { get; } = NetNamespace.Create("h");

    /// <summary>tcpdump behind the tool port.</summary>
    public Witness AtTool { get; }

    public NetNamespace Vm(int machine) => _machines[machine].Vm;

    public static string Address(int machine) => $"10.9.0.{machine + 1}";

    /// <summary>Adds a machine; <paramref name="plug"/> takes it and its address with prefix, and tells its port.</summary>
    public void AddMachine(Func<NetNamespace, string, VethPair> plug)
    {
        var vm = NetNamespace.Create("v");
        var port = plug(vm, Address(_machines.Count) + "/24").Near;
        // A namespace sends from every processor; here its frames pass the witness, the tap and the switch on one, as a
        // guest's do, else they overtake each other in between and nobody can say what their order was.
        Host.Run("sh", "-c", $"echo 1 > /sys/class/net/{port}/queues/rx-0/rps_cpus");
        _machines.Add((vm, port, Witness.Start(Host, port)));
    }

    /// <summary>Mirrors with these options while the traffic lasts; checks ledger and copies; returns the wire frames.</summary>
    public List<TimedFrame> Prove(string mode, Action traffic, params string[] options)
    {
        using var engine = LabEngine.Start(
            Host, _machines.Count, [.. options, "--mirror", $"nic:{ToolPort};mode={mode}"]);
        traffic();
        var entered = Rest();
        engine.WaitForAnalysed(entered.Sum());
        var ledger = ProgramLedger.Balanced(engine.Stop());
        Assert.Equal(mode, ledger.Mode);
        Assert.Equal(0, ledger.DroppedRing);
        Assert.Equal(entered.Sum(), ledger.Offered);
        Assert.Equal(ledger.Offered, ledger.Sent);

        // In the witness's order, not by time, which a frame gets before it queues.
        var sent = _machines.SelectMany((m, i) => m.Witness.Finish(entered[i])).ToList();
        Assert.Equal(entered.Sum(), sent.Count);
        var seen = AtTool.Finish(_tool.Statistic("eth0", "rx_packets"));
        Assert.Equal(ledger.SentWireFrames, seen.Count);
        return WireOracle.Match(sent, seen, MtuBytes);
    }

    public void Dispose()
    {
        foreach (var (vm, _, witness) in _machines)
        {
            witness.Dispose();
            vm.Dispose();
        }

        AtTool.Dispose();
        _tool.Dispose();
        Host.Dispose();
    }

    // Ends address resolution and waits until no counter moves; returns what entered by each port.
    private List<long> Rest()
    {
        _machines.ForEach(m => m.Vm.Ip("link", "set", "eth0", "arp", "off"));
        List<long> last = [];
        LabWait.Until(
            () =>
            {
                var now = _machines.Select(m => Host.Statistic(m.Port, "rx_packets")).ToList();
                var isSame = now.SequenceEqual(last);
                last = now;
                if (!isSame)
                {
                    Thread.Sleep(200);
                }

                return isSame;
            },
            "the switch to be at rest");
        return last;
    }
}
