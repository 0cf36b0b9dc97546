// A listening host and a sender joined by a wire, with IPv4 and IPv6 addresses; tunnels are sent as literal frames or by the
// kernel's own VXLAN device. Owner: the test.
using System.Globalization;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Tapline.Tests.Support;

namespace Tapline.Lab.Vantage;

/// <summary>Two namespaces and a wire.</summary>
internal sealed class TunnelLab : IDisposable
{
    public const string HostAddress = "10.8.0.1";
    public const string SenderAddress = "10.8.0.2";
    public const string HostAddress6 = "fd00:8::1";
    public const string SenderAddress6 = "fd00:8::2";
    private readonly VethPair _wire;
    private readonly RawSender _raw;

    public TunnelLab()
    {
        LabNeeds.Namespaces();
        Host = NetNamespace.Create("h");
        Sender = NetNamespace.Create("s");
        _wire = VethPair.Create(Host, Sender, "wire0", "wire0");
        foreach (var (space, v4, v6) in new[] { (Host, HostAddress, HostAddress6), (Sender, SenderAddress,
            SenderAddress6) })
        {
            space.Ip("address", "add", $"{v4}/24", "dev", "wire0");
            space.TryRun("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/wire0/disable_ipv6");
            HasIpv6 = space.TryRun("ip", "address", "add", $"{v6}/64", "dev", "wire0", "nodad").ExitCode == 0;
        }

        HostMac = MacOf(Host);
        SenderMac = MacOf(Sender);
        _raw = Sender.Enter(() => new RawSender(LinkIndex.Of("wire0")));
    }

    public NetNamespace Host { get; }

    public NetNamespace Sender { get; }

    public bool HasIpv6 { get; }

    private string HostMac { get; }

    private string SenderMac { get; }

    /// <summary>Begins a packet from the sender to the host.</summary>
    public FrameBuilder Packet(bool v6 = false, string from = SenderAddress)
    {
        var frame = new FrameBuilder().Ethernet(SenderMac, HostMac);
        return v6 ? frame.Ipv6(SenderAddress6, HostAddress6) : frame.Ipv4(from, HostAddress);
    }

    public void Send(ReadOnlySpan<byte> frame) => Xunit.Assert.True(_raw.Send(frame), "the kernel takes the frame");

    /// <summary>A VXLAN device of the sender's; what leaves by it arrives at the host in UDP.</summary>
    public RawSender VxlanDevice(int vni, int port, bool v6 = false)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"vx{vni}");
        Sender.Ip("link", "add", name, "type", "vxlan", "id", $"{vni}", "remote", v6 ? HostAddress6 : HostAddress,
            "dstport", $"{port}", "dev", "wire0");
        VethPair.Quiet(Sender, name);
        Sender.Ip("link", "set", name, "up");
        return Sender.Enter(() => new RawSender(LinkIndex.Of(name)));
    }

    public void Dispose()
    {
        _raw.Dispose();
        _wire.Dispose();
        Sender.Dispose();
        Host.Dispose();
    }

    private static string MacOf(NetNamespace space) => space.Run("cat", "/sys/class/net/wire0/address").Trim();
}
