// A host that sends copies and the tool that gets them, with a wire between, IPv4 and IPv6. The tool serves the tunnel's port,
// so that its kernel does not answer "unreachable". Owner: the test.
using System.Net;
using System.Net.Sockets;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Lab.Net;
using Tapline.Lab.Vantage;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Xunit;
using Socket = Tapline.Base.Kernel.Socket;

namespace Tapline.Lab.Mirror;

/// <summary>Both ends of a mirror tunnel.</summary>
internal sealed class TunnelTool : IDisposable
{
    public const string Wire = "wire0";
    private readonly TunnelLab _lab = new();
    private IDisposable? _service;

    /// <summary>Where the sender runs.</summary>
    public NetNamespace Host => _lab.Sender;

    /// <summary>Where the tool runs.</summary>
    public NetNamespace Tool => _lab.Host;

    public bool HasIpv6 => _lab.HasIpv6;

    /// <summary>The tool's address as a URL has it.</summary>
    public static string Address(bool v6) => v6 ? $"[{TunnelLab.HostAddress6}]" : TunnelLab.HostAddress;

    /// <summary>Serves the target's port or protocol and throws away what comes.</summary>
    public void Serve(TunnelTarget target) => _service = Tool.Enter<IDisposable>(() =>
    {
        var v6 = target.Host.Contains(':', StringComparison.Ordinal);
        if (!target.IsUdp)
        {
            var raw = new FileDescriptor(SystemCalls.SocketOpen(v6 ? Socket.AF_INET6 : Socket.AF_INET, Socket.SOCK_RAW, In.IPPROTO_GRE));
            Assert.False(raw.IsInvalid);
            return raw;
        }

        var socket = new UdpClient(v6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork);
        socket.Client.Bind(new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, target.Port));
        return socket;
    });

    public void StopServing() => _service?.Dispose();

    public static TunnelTarget Target(string text)
    {
        var target = TargetParser.Parse(text, out var error);
        Assert.Null(error);
        return Assert.IsType<TunnelTarget>(target);
    }

    /// <summary>A session to the target. Use it inside the host's namespace when the way to the tool may break.</summary>
    public static MirrorSession Open(NetNamespace host, string text, out TunnelSender sender)
    {
        var target = Target(text);
        var (senders, error) = host.Enter(() => (TunnelSender.Open(target, 1, out var fault), fault));
        Assert.True(senders is not null, error);
        sender = senders[0];
        return new MirrorSession(new MirrorSessionOptions { Id = 1, Name = "m1", Target = target }, sender);
    }

    public static void Offer(MirrorSession session, FrameMeta meta, byte[] bytes)
    {
        FrameDecoder.Decode(bytes, meta, out var layout);
        session.Offer(meta, layout, bytes);
    }

    /// <summary>Datagrams of many sizes, tagged and not, a super-frame in the middle, a TCP frame as long as an MTU allows.</summary>
    public static List<(FrameMeta Meta, byte[] Bytes)> Mixture(int datagrams)
    {
        var frames = new List<(FrameMeta, byte[])>();
        for (var i = 0; i < datagrams; i++)
        {
            var builder = new FrameBuilder().Ethernet();
            builder = i % 7 == 3 ? builder.Vlan(42, priority: 5) : builder;
            builder = i % 5 == 4 ? builder.Ipv6($"fd00::{i + 1}", "fd00::ffff") : builder.Ipv4($"10.1.1.{(i % 250) + 1}", "10.1.2.1");
            frames.Add(Plain(builder.Udp(50_100 + i, 50_001).Payload(Noise(i * 6 % 1300, i)).Build()));
        }

        var super = new SuperFrame { SegmentBytes = 1300, Payload = Noise(20_000, 1) }.Build();
        var tcp = new SuperFrame { IsPartial = false, Payload = Noise(1448, 2) }.Build();
        var partial = new SuperFrame { IsIpv6 = true, Payload = Noise(1428, 3) }.Build();
        frames.Insert(datagrams / 2, (super.Meta with { PointId = 3, TimestampNs = Time }, super.Bytes));
        frames.Add((tcp.Meta with { PointId = 3, TimestampNs = Time }, tcp.Bytes));
        frames.Add((partial.Meta with { PointId = 3, TimestampNs = Time }, partial.Bytes));
        return frames;
    }

    /// <summary>2026-11-25T12:00:00.123456789Z</summary>
    public const long Time = (1_795_608_000L * Clock.SecondNs) + 123_456_789;

    public static (FrameMeta Meta, byte[] Bytes) Plain(byte[] bytes) => (new FrameMeta
    {
        LinkType = LinkType.Ethernet, CapturedLength = bytes.Length, OriginalLength = bytes.Length, PointId = 3,
        TimestampNs = Time, Flags = FrameFlags.FromHost,
    }, bytes);

    /// <summary>The wire frames that must come out, by a session into memory.</summary>
    public static List<byte[]> Expected(IEnumerable<(FrameMeta Meta, byte[] Bytes)> frames, int frameBytesMax)
    {
        var output = new MemoryOutput { MtuBytes = frameBytesMax - 14, Policy = OversizePolicy.Resegment };
        using var session = new MirrorSession(
            new MirrorSessionOptions { Id = 1, Name = "m1", Target = new NicTarget("x") }, output);
        foreach (var (meta, bytes) in frames)
        {
            Offer(session, meta, bytes);
        }

        session.Finish();
        return output.Taken!;
    }

    public void Dispose()
    {
        _service?.Dispose();
        _lab.Dispose();
    }

    private static byte[] Noise(int bytes, int seed)
    {
        var data = new byte[bytes];
        new Random(seed).NextBytes(data);
        return data;
    }
}
