// The tools of the guest proof, in one namespace: two tool ports, and behind a wire of 1600 bytes an address for each tunnel,
// whose UDP ports are served as a tool's are; tcpdump at each of them, and a client of the pcap-over-ip stream. In: the host's
// namespace. Out: orders for an engine, captures. Owner: the test; Dispose removes captures and namespace.
using System.Net;
using System.Net.Sockets;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>Where the copies go.</summary>
internal sealed class GuestTools : IDisposable
{
    /// <summary>The session by the kernel path, and that by the user path, to a tool port each.</summary>
    public const string Kernel = "kernel";
    public const string User = "user";

    /// <summary>The session that is a stream.</summary>
    public const string Stream = "stream";

    private const string Wire = "wire0";
    private const string HostAddress = "10.77.0.1";
    private const int StreamPort = 57012;
    private readonly NetNamespace _space = NetNamespace.Create("t");
    private readonly Dictionary<string, Witness> _witnesses = [];
    private readonly List<IDisposable> _services = [];
    private readonly LabFolder _folder = new();
    private Thread? _client;

    public GuestTools(NetNamespace host)
    {
        foreach (var port in (string[])[Kernel, User])
        {
            _ = VethPair.Create(host, _space, port, port);
            // So that the kernel path cuts super-frames itself; the user path does not mind.
            host.Run("ethtool", "-K", port, "tx", "off");
            _witnesses[port] = Witness.Start(_space, port);
        }

        _ = VethPair.Create(host, _space, Wire, Wire);
        Dress(host, [$"{HostAddress}/24", "fd00:77::1/64"]);
        Dress(_space, [.. TunnelEnd.All.Select(e => e.Address + (e.IsIpv6 ? "/64" : "/24"))]);
        _space.Enter(Serve);
        foreach (var end in TunnelEnd.All)
        {
            _witnesses[end.Name] = Witness.Start(_space, Wire, end.CaptureFilter);
        }
    }

    /// <summary>One session for each of the tools.</summary>
    public static string[] Orders =>
    [
        "--mirror", $"nic:{Kernel};mode=kernel;session={Kernel}", "--mirror", $"nic:{User};mode=user;session={User}",
        "--mirror", $"pcap-over-ip://{HostAddress}:{StreamPort};session={Stream}",
        .. TunnelEnd.All.SelectMany(e => (string[])["--mirror", e.Order]),
    ];

    private string StreamFile => System.IO.Path.Combine(_folder.Path, "stream.pcapng");

    /// <summary>Connects to the stream; what comes is written to a file until its sender ends it.</summary>
    public void FollowStream()
    {
        var socket = _space.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        _services.Add(socket);
        socket.Connect(IPAddress.Parse(HostAddress), StreamPort);
        _client = new Thread(() =>
        {
            using var file = File.Create(StreamFile);
            using var stream = new NetworkStream(socket);
            stream.CopyTo(file);
        });
        _client.Start();
    }

    /// <summary>Frames that reached a tool port's end, by the kernel's counter.</summary>
    public long Received(string port) => _space.Statistic(port, "rx_packets");

    /// <summary>The capture of a tool port or a tunnel, once so many frames are in it.</summary>
    public string Capture(string session, long frames)
    {
        _witnesses[session].End(frames);
        return _witnesses[session].Path;
    }

    /// <summary>The stream as a capture that tcpdump could have written, by Wireshark's own converter; call when it has ended.</summary>
    public string StreamCapture()
    {
        Assert.True(_client!.Join(TimeSpan.FromSeconds(30)), "the stream has ended");
        var capture = System.IO.Path.Combine(_folder.Path, "stream.pcap");
        LabCommand.Run("editcap", "-F", "nsecpcap", StreamFile, capture);
        return capture;
    }

    public void Dispose()
    {
        _services.ForEach(s => s.Dispose());
        _client?.Join();
        foreach (var witness in _witnesses.Values)
        {
            witness.Dispose();
        }

        _space.Dispose();
        _folder.Dispose();
    }

    private static void Dress(NetNamespace space, string[] addresses)
    {
        space.Ip("link", "set", Wire, "mtu", $"{TunnelEnd.PathMtuBytes}");
        space.Run("sh", "-c", $"echo 0 > /proc/sys/net/ipv6/conf/{Wire}/disable_ipv6");
        foreach (var address in addresses)
        {
            string[] atOnce = address.Contains(':', StringComparison.Ordinal) ? ["nodad"] : [];
            space.Ip(["address", "add", address, "dev", Wire, .. atOnce]);
        }
    }

    // Nobody reads: what comes is thrown away when the buffers are full, after tcpdump has seen it.
    private void Serve()
    {
        foreach (var port in TunnelEnd.All.Select(e => e.UdpPort).Where(p => p > 0).Distinct())
        {
            var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true };
            _services.Add(socket);
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        }
    }
}
