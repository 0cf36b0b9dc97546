// Which NIC stands behind which tap device, by the command line; hostile and cut text.
using CsCheck;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Identity;

public class QemuCommandLineTests
{
    private const string TwoNics =
        "qemu-system-x86_64\0-name\0guest=web,,01,debug-threads=on\0-uuid\0u-1\0"
        + "-netdev\0tap,id=n0,ifname=tap0,script=no\0-device\0virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01\0"
        + "-netdev\0{\"type\":\"tap\",\"id\":\"n1\",\"ifname\":\"tap1\",\"vhost\":true}\0"
        + "-device\0{\"driver\":\"virtio-net-pci\",\"netdev\":\"n1\",\"mac\":\"52:54:00:00:00:02\"}\0"
        + "-nic\0tap,ifname=tap2,mac=52:54:00:00:00:03\0-qmp\0unix:/run/a,,b.qmp,server=on,wait=off\0";

    [Fact]
    public void EachTapDeviceHasTheAddressOfItsOwnNic()
    {
        var line = QemuCommandLine.Parse(TwoNics);
        Assert.Equal(("web,01", "u-1", "/run/a,b.qmp"), (line.Name, line.Uuid, line.QmpPath));
        Assert.Equal(0x525400000001UL, line.MacOf("tap0"));
        Assert.Equal(0x525400000002UL, line.MacOf("tap1"));
        Assert.Equal(0x525400000003UL, line.MacOf("tap2"));
        Assert.Equal(0UL, line.MacOf("tap3"));
    }

    [Fact]
    public void ANicThatWasPluggedInLaterIsNotGivenTheAddressOfTheOnlyOneAtBoot() =>
        Assert.Equal(0UL, TapOwners.Parse(
            "-netdev\0tap,id=n0,ifname=tap0\0-device\0x,netdev=n0,mac=52:54:00:00:00:01", "qemu", 1, "tap9", 7).Mac);

    [Theory]
    [InlineData("-chardev\0socket,id=qmp,path=/run/100.qmp,server=on,wait=off\0-mon\0chardev=qmp,mode=control", "/run/100.qmp")]
    [InlineData("-mon\0chardev=qmp,mode=control\0-chardev\0socket,id=qmp,path=/run/100.qmp", "/run/100.qmp")]
    [InlineData("-chardev\0socket,id=qmp,path=/run/100.qmp\0-mon\0chardev=qmp,mode=readline", null)]
    [InlineData("-chardev\0socket,id=other,path=/run/100.qmp\0-mon\0chardev=qmp,mode=control", null)]
    [InlineData("-chardev\0socket,id=qmp,path=relative\0-mon\0chardev=qmp,mode=control", null)]
    public void AControlMonitorOnASocketIsTheSameSocket(string commandLine, string? path) =>
        Assert.Equal(path, QemuCommandLine.Parse(commandLine).QmpPath);

    [Theory]
    [InlineData("-qmp\0tcp:127.0.0.1:4444,server=on")]
    [InlineData("-qmp\0unix:relative,server=on")]
    [InlineData("-qmp")]
    public void OnlyAnAbsoluteUnixSocketIsAsked(string commandLine) =>
        Assert.Null(QemuCommandLine.Parse(commandLine).QmpPath);

    [Theory]
    [InlineData("-device\0{\"mac\":7}")]
    [InlineData("-device\0{\"mac\"")]
    [InlineData("-netdev\0{\"id\":[[[[")]
    [InlineData("-device\0{}x")]
    public void JsonThatIsNoneSaysNothing(string commandLine) => Assert.Empty(QemuCommandLine.Parse(commandLine).Macs);

    [Fact]
    public void CutAnywhereItNeverInventsAnAddress()
    {
        ulong[] real = [0, 0x525400000001, 0x525400000002, 0x525400000003];
        for (var length = 0; length < TwoNics.Length; length++)
        {
            var line = QemuCommandLine.Parse(TwoNics[..length]);
            Assert.Contains(line.MacOf("tap0"), real);
            Assert.All(line.Macs, mac => Assert.Contains(mac, real));
        }
    }

    [Fact]
    public void MutatedTextIsBoundedAndClean() =>
        Gen.Select(Gen.Int[0, TwoNics.Length - 1], Gen.Char).Array[1, 20].Sample(changes =>
        {
            var text = TwoNics.ToCharArray();
            foreach (var (at, by) in changes)
            {
                text[at] = by;
            }

            var line = QemuCommandLine.Parse(new string(text));
            return !(line.Name + line.Uuid).Any(char.IsControl) && line.Macs.All(m => m < 1UL << 48);
        });
}
