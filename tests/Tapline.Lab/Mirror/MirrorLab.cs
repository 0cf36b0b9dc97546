// A switch with two VMs, a tool behind a tool port, and an engine that mirrors the one to the other. All in namespaces
// of the test's own. Owner: the test.
using System.Net;
using System.Net.Sockets;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Workers;
using Xunit;

namespace Tapline.Lab.Mirror;

/// <summary>What a mirror test stands on.</summary>
internal sealed class MirrorLab : IDisposable
{
    public const string ToolPort = "tool";
    public const int VlanId = 42;
    public const int ServiceVlanId = 7;
    private const int ServerPort = 7000;

    /// <summary>
    /// Bytes in flight between two answers: what the rings hold in any case, so that nothing has to be lost.
    /// </summary>
    private const int TurnBytes = 1 << 20;

    private readonly NetNamespace _host = NetNamespace.Create("h");
    private readonly NetNamespace _tool = NetNamespace.Create("t");
    private readonly NetNamespace _client = NetNamespace.Create("c");
    private readonly NetNamespace _server = NetNamespace.Create("s");
    private readonly Bridge _bridge;
    private readonly VethPair _port;
    private readonly string _clientAddress;
    private string _serverAddress;

    public MirrorLab(bool isIpv6 = false, int tags = 0)
    {
        _bridge = Bridge.Create(_host, "br0");
        _bridge.AddPort(_client, port: "p1");
        _bridge.AddPort(_server, port: "p2");
        _port = VethPair.Create(_host, _tool, ToolPort, "eth0");
        _clientAddress = isIpv6 ? "fd00::1" : "10.9.0.1";
        _serverAddress = isIpv6 ? "fd00::2" : "10.9.0.2";
        SetUp(_client, _clientAddress, isIpv6, tags);
        SetUp(_server, _serverAddress, isIpv6, tags);
        if (tags == 2)
        {
            // Only a single 802.1Q tag may stand on top of the MTU; for two an operator makes the tool port's larger.
            _host.Ip("link", "set", ToolPort, "mtu", "1508");
            _tool.Ip("link", "set", "eth0", "mtu", "1508");
        }

        Reader = ToolReader.Open(_tool, "eth0");
    }

    public NetNamespace Host => _host;

    public NetNamespace Tool => _tool;

    public ToolReader Reader { get; }

    /// <summary>
    /// Joins the two VMs by a VXLAN tunnel of their own and lets the transfer go through it, with or without a checksum in
    /// the outer UDP header.
    /// </summary>
    public void Tunnel(bool hasOuterChecksum)
    {
        AddTunnel(_client, "10.9.0.1", "10.9.0.2", "10.8.0.1/24", hasOuterChecksum);
        AddTunnel(_server, "10.9.0.2", "10.9.0.1", "10.8.0.2/24", hasOuterChecksum);
        _serverAddress = "10.8.0.2";
    }

    /// <summary>Starts an engine that mirrors all that enters the switch.</summary>
    public Engine Start(MirrorPlan? plan = null)
    {
        var options = new EngineOptions
        {
            Points = [$"bridge:{_bridge.Name}"],
            Mirrors = [plan ?? new MirrorPlan { Session = "m1", To = $"nic:{ToolPort}" }],
            Workers = 2,
            RingBudgetBytes = 256 << 20,
            Analyse = false,
        };
        var (engine, fault) = _host.Enter(() => (Engine.Start(options, s => Assert.Fail(s), out var problem), problem));
        Assert.True(engine is not null, fault?.Fault);
        return engine;
    }

    /// <summary>
    /// Sends bytes from client to server over one TCP connection and back one byte for each turn; returns when all arrived.
    /// </summary>
    public void Transfer(byte[] data, Action<int>? afterTurn = null)
    {
        var family = _serverAddress.Contains(':') ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        using var listener = _server.Enter(() => new Socket(family, SocketType.Stream, ProtocolType.Tcp));
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Parse(_serverAddress), ServerPort));
        listener.Listen(1);
        var received = new byte[data.Length];
        var server = new Thread(() => Serve(listener, received)) { IsBackground = true };
        server.Start();
        using (var client = _client.Enter(() => new Socket(family, SocketType.Stream, ProtocolType.Tcp)))
        {
            client.ReceiveTimeout = client.SendTimeout = 30_000;
            client.Connect(new IPEndPoint(IPAddress.Parse(_serverAddress), ServerPort));
            var answer = new byte[1];
            for (var at = 0; at < data.Length; at += TurnBytes)
            {
                client.Send(data.AsSpan(at, Math.Min(TurnBytes, data.Length - at)));
                Assert.Equal(1, client.Receive(answer));
                afterTurn?.Invoke(at / TurnBytes);
            }

            client.Shutdown(SocketShutdown.Both);
        }

        Assert.True(server.Join(TimeSpan.FromSeconds(30)), "the server received all");
        Assert.True(received.AsSpan().SequenceEqual(data), "the transfer itself went well");
    }

    /// <summary>TCP segments that the client's stack sent again.</summary>
    public long ClientRetransmissions()
    {
        var lines = _client.Run("cat", "/proc/net/snmp").Split('\n').Where(l => l.StartsWith("Tcp:", StringComparison.Ordinal));
        var words = lines.Select(l => l.Split(' ')).ToArray();
        return long.Parse(words[1][Array.IndexOf(words[0], "RetransSegs")], null);
    }

    public void Dispose()
    {
        Reader.Dispose();
        _port.Dispose();
        _bridge.Dispose();
        _server.Dispose();
        _client.Dispose();
        _tool.Dispose();
        _host.Dispose();
    }

    private static void Serve(Socket listener, byte[] received)
    {
        using var connection = listener.Accept();
        var at = 0;
        while (at < received.Length)
        {
            var turnEnd = Math.Min((at / TurnBytes * TurnBytes) + TurnBytes, received.Length);
            at += connection.Receive(received.AsSpan(at, turnEnd - at));
            if (at == turnEnd)
            {
                connection.Send([1]);
            }
        }
    }

    private static void AddTunnel(NetNamespace vm, string local, string remote, string address, bool hasOuterChecksum)
    {
        string[] add =
        [
            "link", "add", "vx0", "type", "vxlan", "id", "42", "local", local, "remote", remote, "dstport", "4789",
            "dev", "eth0", hasOuterChecksum ? "udpcsum" : "noudpcsum",
        ];
        vm.Ip(add);
        _ = vm.TryRun("sysctl", "-q", "-w", "net.ipv6.conf.vx0.disable_ipv6=1");
        vm.Ip("link", "set", "vx0", "up");
        vm.Ip("address", "add", address, "dev", "vx0");
    }

    private static void SetUp(NetNamespace vm, string address, bool isIpv6, int tags)
    {
        const string Device = "eth0";
        if (tags > 0)
        {
            VlanProgram.Attach(vm.Name, Device, VlanId, tags == 2 ? ServiceVlanId : 0);
        }

        if (isIpv6)
        {
            vm.Run("sysctl", "-q", "-w", $"net.ipv6.conf.{Device}.disable_ipv6=0");
            vm.Ip("address", "add", $"{address}/64", "dev", Device, "nodad");
        }
        else
        {
            vm.Ip("address", "add", $"{address}/24", "dev", Device);
        }
    }
}
