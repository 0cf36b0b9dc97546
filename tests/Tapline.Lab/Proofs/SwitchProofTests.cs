// The same proof on other switches: Open vSwitch with its userspace datapath, a firewall bridge in front of a machine as
// Proxmox has it, and a Linux bridge with super-frames of a bulk transfer: each frame once, in order, as a wire would carry it,
// and the stream that the tool can put together from it is the stream that was sent.
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Tests.Mirror;
using Xunit;

namespace Tapline.Lab.Proofs;

public sealed class SwitchProofTests
{
    private const int Port = 47000; // no dissector's
    private const int BulkBytes = 64 << 20;
    private const int SomeBytes = 4 << 20;

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void A_bulk_transfer_in_super_frames_can_be_put_together_from_the_copy(string mode)
    {
        LabNeeds.Namespaces();
        using var network = new TappedSwitch();
        using var bridge = Bridge.Create(network.Host, "br0");
        network.AddMachine((vm, address) => bridge.AddPort(vm, address));
        network.AddMachine((vm, address) => bridge.AddPort(vm, address));
        var stream = MirrorEndToEndTests.Noise(BulkBytes);
        var wire = network.Prove(mode, () => Send(network, stream), "--point", "bridge:br0");
        Assert.True(wire.Count > BulkBytes / 1500, $"{wire.Count} wire frames");
        var copy = Reassemble(wire, BulkBytes);
        Assert.Equal(SHA256.HashData(stream), SHA256.HashData(copy));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void Behind_a_firewall_bridge_each_frame_is_copied_once(string mode)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var network = new TappedSwitch();
        using var vmbr = Bridge.Create(network.Host, "vmbr0");
        using var fwbr = Bridge.Create(network.Host, "fwbr100i0");
        using var patch = VethPair.Create(network.Host, network.Host, "fwln100i0", "fwpr100p0");
        network.Host.Ip("link", "set", "fwln100i0", "master", "fwbr100i0");
        network.Host.Ip("link", "set", "fwpr100p0", "master", "vmbr0");
        network.AddMachine((vm, address) => vmbr.AddPort(vm, address));
        network.AddMachine((vm, address) => fwbr.AddPort(vm, address));
        network.AddMachine((vm, address) => vmbr.AddPort(vm, address));
        network.Prove(mode, () => Talk(network), "--point", "bridge:vmbr0");
        Assert.Empty(TsharkVerdict.Of(network.AtTool.Path).Wrong);
    }

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void On_open_vswitch_with_its_userspace_datapath_each_frame_is_copied_once(string mode)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ping");
        using var network = new TappedSwitch();
        using var ovs = OvsSwitch.Create(network.Host);
        ovs.AddBridge("br-int");
        for (var i = 0; i < 3; i++)
        {
            network.AddMachine((vm, address) => ovs.AddPort("br-int", vm, address));
        }

        network.Prove(mode, () => Talk(network), "--point", "ovs:br-int", "--ovs-database", ovs.Database);
        Assert.Empty(TsharkVerdict.Of(network.AtTool.Path).Wrong);
    }

    // Between all pairs: a transfer, echoes, echoes in fragments.
    private static void Talk(TappedSwitch network)
    {
        foreach (var (from, to) in ((int, int)[])[(0, 1), (1, 2), (2, 0), (1, 0)])
        {
            TcpTransfer.Run(network.Vm(from), network.Vm(to), TappedSwitch.Address(to), Port + from, SomeBytes);
            network.Vm(from).Run("ping", "-q", "-c", "10", "-i", "0.01", "-W", "5", TappedSwitch.Address(to));
            network.Vm(from).Run("ping", "-q", "-c", "5", "-i", "0.01", "-s", "4000", "-W", "5", TappedSwitch.Address(to));
        }
    }

    // Sends it on one connection, as fast as it goes.
    private static void Send(TappedSwitch network, byte[] stream)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(TappedSwitch.Address(1)), Port);
        using var listener = network.Vm(1).Enter(NewSocket);
        listener.Bind(endPoint);
        listener.Listen(1);
        var received = 0L;
        var receiver = new Thread(() =>
        {
            using var connection = listener.Accept();
            var buffer = new byte[256 << 10];
            while (connection.Receive(buffer) is > 0 and var bytes)
            {
                received += bytes;
            }
        });
        receiver.Start();
        using (var sender = network.Vm(0).Enter(NewSocket))
        {
            sender.Connect(endPoint);
            for (var at = 0; at < stream.Length; at += sender.Send(stream.AsSpan(at)))
            {
            }

            sender.Shutdown(SocketShutdown.Send);
            receiver.Join();
        }

        Assert.Equal(stream.Length, received);
    }

    private static Socket NewSocket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    // What a tool makes of it: payloads put where their sequence numbers say, whatever came twice.
    private static byte[] Reassemble(List<TimedFrame> wire, int bytes)
    {
        var segments = wire
            .Where(f => f.Bytes[23] == SuperFrame.Tcp && BinaryPrimitives.ReadUInt16BigEndian(f.Bytes.AsSpan(36)) == Port)
            .Select(f => WireCheck.Verify(f.Bytes)).ToList();
        return MirrorEndToEndTests.Reassemble(segments, bytes, out _);
    }
}
