// QEMU's account of its NICs, and sockets that are not QEMU's.
using System.Net.Sockets;
using Tapline.Capture.Identity;
using Xunit;

namespace Tapline.Tests.Capture.Identity;

public class QmpNetworkTests
{
    private const string InfoNetwork =
        "dn0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:01\r\n"
        + " \\ n0: index=0,type=tap,ifname=tap0,script=no,downscript=no\r\n"
        + "dn1: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:02\r\n"
        + " \\ n1: index=0,type=tap,ifname=tap1\r\nn2: index=0,type=tap,ifname=tap2,script=no\r\n";

    [Fact]
    public void EachTapDeviceIsPairedWithItsNic()
    {
        var macs = QmpNetwork.Parse(InfoNetwork);
        Assert.Equal(0x525400000001UL, macs["tap0"]);
        Assert.Equal(0x525400000002UL, macs["tap1"]);
        Assert.False(macs.ContainsKey("tap2"), "a backend without a NIC has no address");
    }

    [Fact]
    public void CutAnywhereItNeverInventsAnAddress()
    {
        for (var length = 0; length < InfoNetwork.Length; length++)
        {
            Assert.All(QmpNetwork.Parse(InfoNetwork[..length]).Values, mac => Assert.InRange(mac, 0x525400000001UL, 0x525400000002UL));
        }
    }

    [Theory]
    [InlineData("{\"QMP\":{}}\n{\"return\":{}}\n{\"event\":\"X\"}\n{\"return\":\"a: macaddr=1\"}\n")]
    [InlineData("{\"QMP\":{}}\n{\"error\":{}}\n")]
    [InlineData("{\"QMP\":{}}\n[1]\n{\"return\":[[[[\n")]
    [InlineData("hello\n")]
    [InlineData("\n\n")]
    [InlineData("")]
    public void WhateverTheSocketSaysTheAnswerIsNothingAndSoon(string said)
    {
        var path = Path.Combine(Path.GetTempPath(), $"tlqmp{Environment.ProcessId}-{Guid.NewGuid():N}");
        using var listener = Listen(path);
        var speaker = new Thread(() =>
        {
            using var client = listener.Accept();
            client.Send(System.Text.Encoding.ASCII.GetBytes(said));
            client.Receive(new byte[1]);
        });
        speaker.Start();
        Assert.Empty(QmpNetwork.Ask(Environment.ProcessId, path));
        speaker.Join();
        File.Delete(path);
    }

    [Fact]
    public void ASocketOfAnotherProcessIsNotSpokenTo()
    {
        var path = Path.Combine(Path.GetTempPath(), $"tlqmp{Environment.ProcessId}-{Guid.NewGuid():N}");
        using var listener = Listen(path);
        // Process 1 shares this file system or cannot be looked into: either way nothing is said.
        Assert.Empty(QmpNetwork.Ask(1, path));
        if (listener.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead))
        {
            using var client = listener.Accept();
            Assert.Equal(0, client.Receive(new byte[1]));
        }

        File.Delete(path);
    }

    [Fact]
    public void APathThatIsNoneIsNothing()
    {
        Assert.Empty(QmpNetwork.Ask(Environment.ProcessId, "/nowhere/at/all"));
        Assert.Empty(QmpNetwork.Ask(Environment.ProcessId, "/" + new string('x', 4096)));
        Assert.Empty(QmpNetwork.Ask(Environment.ProcessId, "/a\0b"));
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }
}
