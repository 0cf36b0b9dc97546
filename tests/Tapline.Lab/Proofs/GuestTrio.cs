// Three QEMU guests on one bridge, a tcpdump at each tap, the tools that get copies, and the traffic between all pairs of
// guests: TCP both ways at once, HTTP, UDP and ICMP, whole and in IP fragments. Owner: the test; Dispose removes all of it.
using Tapline.Lab.Machines;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>The stage of the guest proofs.</summary>
internal sealed class GuestTrio : IDisposable
{
    private const int Guests = 3;
    private const int Sigstop = 19;
    private const int PartBytes = 256 << 10; // what each guest serves as /part
    private static readonly TimeSpan s_trafficLimit = TimeSpan.FromSeconds(90);
    private readonly Bridge _bridge;
    private readonly LabMachine[] _guests = new LabMachine[Guests];
    private readonly Witness[] _witnesses = new Witness[Guests];

    public GuestTrio()
    {
        LabNeeds.Tools("ethtool", "tcpdump");
        Host = NetNamespace.Create("h");
        _bridge = Bridge.Create(Host, "br0");
        Tools = new GuestTools(Host);
        for (var g = 0; g < Guests; g++)
        {
            Boot(g, new LabNic($"52:54:00:00:00:0{g + 1}", $"{Address(g)}/24"));
        }
    }

    public NetNamespace Host { get; }

    /// <summary>Where the copies go.</summary>
    public GuestTools Tools { get; }

    /// <summary>The tap device of each guest's NIC by its MAC address, as Ethernet has it.</summary>
    public Dictionary<string, string> Taps => _guests.ToDictionary(
        g => g.Nics[0].Mac.Replace(":", "", StringComparison.Ordinal), g => g.Nics[0].Tap);

    /// <summary>What tcpdump saw enter by each port so far, as the guest's NIC handed it over.</summary>
    public List<List<TimedFrame>> Reference { get; } = [];

    /// <summary>Frames that entered by the ports, by the kernel's counters of taps that are done with.</summary>
    public long Entered { get; private set; }

    public void WaitUp() => Array.ForEach(_guests, WaitUp);

    /// <summary>Traffic between all pairs; returns when it has ended.</summary>
    public void Talk() => Together(Enumerable.Range(0, Guests).Select(g => (Action)(() => Talk(g, g))));

    /// <summary>The last guest is killed in the middle of a transfer while the others talk, and started again.</summary>
    public void KillOneAndStartItAgain(LabEngine engine)
    {
        const int Victim = Guests - 1;
        Together(
        [
            () => Talk(0, Victim),
            () => Talk(1, Victim),
            () =>
            {
                var nic = _guests[Victim].Nics[0];
                var before = Received(nic);
                _guests[Victim].Run($"while :; do wget -q -O /dev/null http://{Address(0)}/mega; done > /dev/null 2>&1 &");
                LabWait.Until(() => Received(nic) > before + 100, "the victim to be in the middle of it");
                _guests[Victim].Kill();
                Settle(Victim);
                _guests[Victim].Dispose();
                Boot(Victim, nic with { });
                LabWait.Until(() => IsUp(engine, nic.Tap), "the port of the guest that was started again to be observed");
                WaitUp(_guests[Victim]);
            },
        ]);
    }

    /// <summary>Stops all guests' processors, so that the counters stand still, and ends the witnesses at the taps.</summary>
    public void Freeze()
    {
        for (var g = 0; g < Guests; g++)
        {
            var process = _guests[g].ProcessId;
            LabCommand.Run("kill", $"-{Sigstop}", $"{process}");
            LabWait.Until(
                () => File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].StartsWith(" T", StringComparison.Ordinal),
                "the guest to stand still");
            Settle(g);
        }
    }

    public void Dispose()
    {
        foreach (var guest in _guests)
        {
            guest?.Kill();
            guest?.Dispose();
        }

        Array.ForEach(_witnesses, w => w?.Dispose());
        Tools?.Dispose();
        _bridge.Dispose();
        Host.Dispose();
    }

    private static string Address(int guest) => $"10.9.0.{guest + 1}";

    private static bool IsUp(LabEngine engine, string port) => engine.Snapshot()?.GetProperty("points").EnumerateArray()
        .Any(p => p.GetProperty("point").GetString() == port && p.GetProperty("state").GetString() == "up") ?? false;

    private static void Together(IEnumerable<Action> actions)
    {
        Exception? problem = null;
        var threads = actions.Select(action => new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception thrown)
            {
                problem = thrown;
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.True(problem is null, $"{problem}");
    }

    // A guest that is up gets a server that sends and takes at the same time.
    private static void WaitUp(LabMachine guest)
    {
        guest.WaitUp();
        guest.Run($"head -c {PartBytes} /www/mega > /www/part");
        guest.Run("echo 'exec 3<&0; cat <&3 > /dev/null & cat /www/part; wait' > /both");
        guest.Run("nc -ll -p 9000 -e sh /both > /dev/null 2>&1 &");
        guest.Run("until netstat -ltn | grep -q :9000; do usleep 10000; done");
    }

    private void Boot(int guest, LabNic nic)
    {
        _guests[guest] = LabMachine.Start(Host, _bridge, $"guest{guest}", null, nic);
        _witnesses[guest] = Witness.Start(Host, nic.Tap);
    }

    // Everything that one guest begins: to all others but itself and the one that is left out.
    private void Talk(int guest, int leftOut)
    {
        var machine = _guests[guest];
        foreach (var other in Enumerable.Range(0, Guests).Where(g => g != guest && g != leftOut))
        {
            var to = Address(other);
            machine.Run($"wget -q -O /dev/null http://{to}/part", s_trafficLimit);
            machine.Run($"ping -q -c 1 -W 5 {to} && ping -q -c 1 -W 5 -s 4000 {to}", s_trafficLimit);
            // UDP to a port where nobody listens, whole and in fragments; each is answered by an ICMP error.
            machine.Run($"traceroute -n -m 1 -q 1 -w 1 {to} 1400; traceroute -n -m 1 -q 1 -w 1 {to} 4000", s_trafficLimit);
            // On one connection, both ways at the same time.
            Assert.Equal(PartBytes, int.Parse(machine.Run($"nc -w 30 {to} 9000 < /www/part | wc -c", s_trafficLimit), null));
        }
    }

    private long Received(LabNic nic) => Host.Statistic(nic.Tap, "rx_packets");

    private void Settle(int guest)
    {
        var received = Received(_guests[guest].Nics[0]);
        Entered += received;
        var frames = _witnesses[guest].Finish(received);
        _witnesses[guest].Dispose();
        Assert.Equal(received, frames.Count);
        Reference.Add(frames);
    }
}
