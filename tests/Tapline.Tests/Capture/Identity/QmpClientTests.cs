// QEMU's account of its NICs, and sockets that are not QEMU's.
using System.Net.Sockets;
using Tapline.Capture.Identity;
using Xunit;

namespace Tapline.Tests.Capture.Identity;

public class QmpClientTests
{
    private const string InfoNetwork =
        "dn0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:01\r\n"
        + " \\ n0: index=0,type=tap,ifname=tap0,script=no,downscript=no\r\n"
        + "dn1: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:02\r\n"
        + " \\ n1: index=0,type=tap,ifname=tap1\r\nn2: index=0,type=tap,ifname=tap2,script=no\r\n";

    [Fact]
    public void EachTapDeviceIsPairedWithItsNic()
    {
        var macs = QmpClient.Parse(InfoNetwork);
        Assert.Equal(0x525400000001UL, macs["tap0"]);
        Assert.Equal(0x525400000002UL, macs["tap1"]);
        Assert.False(macs.ContainsKey("tap2"), "a backend without a NIC has no address");
    }

    [Fact]
    public void CutAnywhereItNeverInventsAnAddress()
    {
        for (var length = 0; length < InfoNetwork.Length; length++)
        {
            Assert.All(QmpClient.Parse(InfoNetwork[..length]).Values, mac => Assert.InRange(mac, 0x525400000001UL, 0x525400000002UL));
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
        AssertSilent(QmpClient.Ask(Environment.ProcessId, path));
        speaker.Join();
        File.Delete(path);
    }

    [Fact]
    public void ASocketOfAnotherProcessIsNotSpokenTo()
    {
        var path = Path.Combine(Path.GetTempPath(), $"tlqmp{Environment.ProcessId}-{Guid.NewGuid():N}");
        using var listener = Listen(path);
        // Process 1 shares this file system or cannot be looked into: either way nothing is said.
        AssertSilent(QmpClient.Ask(1, path));
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
        AssertSilent(QmpClient.Ask(Environment.ProcessId, "/nowhere/at/all"));
        AssertSilent(QmpClient.Ask(Environment.ProcessId, "/" + new string('x', 4096)));
        AssertSilent(QmpClient.Ask(Environment.ProcessId, "/a\0b"));
    }

    [Fact]
    public void NameUuidAndNicsAreAsked()
    {
        var machine = Converse(
            "{\"QMP\":{}}", "{\"return\":{}}", "{\"return\":{\"name\":\"w\\u001beb\\n01" + new string('x', 9000) + "\"}}",
            "{\"event\":\"RESUME\"}\n{\"return\":{\"UUID\":\"6c1f3f5e-0d6c-4f3c-9a51-000000000001\"}}",
            "{\"return\":" + System.Text.Json.JsonSerializer.Serialize(InfoNetwork) + "}");
        Assert.StartsWith("w?eb?01xxx", machine.Name, StringComparison.Ordinal);
        Assert.Equal(Tapline.Base.Limits.HostileNameCharactersMax, machine.Name.Length);
        Assert.Equal("6c1f3f5e-0d6c-4f3c-9a51-000000000001", machine.Uuid);
        Assert.Equal(0x525400000002UL, machine.MacByTap["tap1"]);
    }

    [Fact]
    public void AMachineWithoutNameOrUuidHasNone()
    {
        var machine = Converse(
            "{\"QMP\":{}}", "{\"return\":{}}", "{\"return\":{}}", "{\"return\":{\"UUID\":\"00000000-0000-0000-0000-000000000000\"}}",
            "{\"error\":{\"class\":\"CommandNotFound\"}}");
        AssertSilent(machine);
    }

    [Fact]
    public void ASocketThatNeverComesToAnEndIsLeft()
    {
        var path = Path.Combine(Path.GetTempPath(), $"tlqmp{Environment.ProcessId}-{Guid.NewGuid():N}");
        using var listener = Listen(path);
        var sent = 0L;
        var speaker = new Thread(() =>
        {
            using var client = listener.Accept();
            try
            {
                // One line without an end, as fast as it is taken.
                for (var bytes = new byte[65536]; ; sent += client.Send(bytes))
                {
                }
            }
            catch (SocketException)
            {
                // The other side has had enough.
            }
        });
        speaker.Start();
        AssertSilent(QmpClient.Ask(Environment.ProcessId, path));
        Assert.True(speaker.Join(TimeSpan.FromSeconds(20)));
        Assert.InRange(sent, 0, 16 << 20);
        File.Delete(path);
    }

    private static void AssertSilent(QmpMachine machine)
    {
        Assert.Equal(("", ""), (machine.Name, machine.Uuid));
        Assert.Empty(machine.MacByTap);
    }

    // The first line is the greeting, each further one the answer to the next command.
    private static QmpMachine Converse(params string[] lines)
    {
        var path = Path.Combine(Path.GetTempPath(), $"tlqmp{Environment.ProcessId}-{Guid.NewGuid():N}");
        using var listener = Listen(path);
        var speaker = new Thread(() =>
        {
            using var client = listener.Accept();
            using var reader = new StreamReader(new NetworkStream(client));
            foreach (var line in lines)
            {
                client.Send(System.Text.Encoding.ASCII.GetBytes(line + "\n"));
                reader.ReadLine();
            }
        });
        speaker.Start();
        var machine = QmpClient.Ask(Environment.ProcessId, path);
        speaker.Join();
        File.Delete(path);
        return machine;
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }
}
