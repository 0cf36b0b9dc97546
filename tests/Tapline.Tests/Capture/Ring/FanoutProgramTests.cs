// The fan-out program run by the kernel (BPF_PROG_TEST_RUN) over frames built here: all frames of a pair of addresses get
// one number, whatever they are wrapped in; frames without addresses get 0; hostile frames are survived.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Xunit;

namespace Tapline.Tests.Capture.Ring;

public sealed unsafe class FanoutProgramTests : IDisposable
{
    private readonly FileDescriptor? _program;

    public FanoutProgramTests()
    {
        _program = Privileges.HasBpf
            ? BpfSystem.Load(Bpf.BPF_PROG_TYPE_SOCKET_FILTER, FanoutProgram.Build(startsAtMac: false), "tap_test", out _)
            : null;
    }

    public void Dispose() => _program?.Dispose();

    public static TheoryData<string> Wrappings =>
    [
        "plain", "vlan", "qinq", "udp", "fragment", "ipip", "gre", "gre-key-seq", "gre-teb", "erspan2", "erspan1", "vxlan", "geneve",
        "geneve-options", "vxlan-vlan-inside", "vxlan-over-6", "vxlan-in-vxlan",
    ];

    [Theory]
    [MemberData(nameof(Wrappings))]
    public void BothDirectionsOfAPairGetOneNumberInAnyWrapping(string wrapping)
    {
        Skip();
        foreach (var isIpv6 in (bool[])[false, true])
        {
            var (left, right) = (Address(isIpv6, 1), Address(isIpv6, 2));
            var expected = Run(Ethernet(isIpv6, Packet(left, right, 6)));
            Assert.NotEqual(0u, expected);
            Assert.Equal(expected, Run(Wrap(wrapping, isIpv6, Packet(left, right, 6))));
            Assert.Equal(expected, Run(Wrap(wrapping, isIpv6, Packet(right, left, 6))));
            Assert.NotEqual(expected, Run(Wrap(wrapping, isIpv6, Packet(right, Address(isIpv6, 3), 6))));
        }
    }

    [Fact]
    public void ExtensionHeadersAndFragmentsOfIpv6ChangeNothing()
    {
        Skip();
        var (left, right) = (Address(true, 1), Address(true, 2));
        var expected = Run(Ethernet(true, Packet(left, right, 17)));
        byte[] hopByHop = [43, 0, 1, 4, 0, 0, 0, 0];
        byte[] routing = [44, 0, 0, 0, 0, 0, 0, 0];
        byte[] fragment = [17, 0, 0, 9, 1, 2, 3, 4];
        Assert.Equal(expected, Run(Ethernet(true, Packet(left, right, 0, [.. hopByHop, .. routing, .. fragment]))));
        // A tunnel behind an extension header is still found.
        byte[] options = [41, 0, 1, 4, 0, 0, 0, 0];
        var outer = Packet(Address(true, 7), Address(true, 8), 60, [.. options, .. Packet(left, right, 17)]);
        Assert.Equal(expected, Run(Ethernet(true, outer)));
    }

    [Fact]
    public void AFragmentOfATunnelStaysWithTheOtherFragments()
    {
        Skip();
        var inner = Packet(Address(false, 1), Address(false, 2), 6);
        var whole = Packet(Address(false, 7), Address(false, 8), 4, inner);
        var first = (byte[])whole.Clone();
        first[6] = 0x20;
        var second = (byte[])whole.Clone();
        second[7] = 100;
        var outer = Run(Ethernet(false, Packet(Address(false, 7), Address(false, 8), 6)));
        Assert.Equal(outer, Run(Ethernet(false, first)));
        Assert.Equal(outer, Run(Ethernet(false, second)));
        Assert.NotEqual(outer, Run(Ethernet(false, whole)));
    }

    [Fact]
    public void FramesWithoutAddressesGoToTheFirstWorker()
    {
        Skip();
        Assert.Equal(0u, Run([.. new byte[12], 0x08, 0x06, .. new byte[46]]));
        Assert.Equal(0u, Run([.. new byte[12], 0x88, 0xCC, .. new byte[46]]));
    }

    [Fact]
    public void ATunnelCutAnywhereStaysWithItsOuterPair()
    {
        Skip();
        var outer = Run(Ethernet(false, Packet(Address(false, 71), Address(false, 72), 6)));
        var whole = Wrap("vxlan", false, Packet(Address(false, 1), Address(false, 2), 6));
        // From the end of the outer IP header (the kernel's test run refuses less) to the end of the inner one.
        for (var length = 34; length < 50 + 34; length++)
        {
            Assert.Equal(outer, Run(whole[..length]));
        }

        Assert.NotEqual(outer, Run(whole[..84]));
    }

    [Fact]
    public void PairsSpreadOverWorkers()
    {
        Skip();
        var counts = new int[4];
        for (var i = 0; i < 4000; i++)
        {
            counts[Run(Ethernet(false, Packet(Address(false, 1 + (i / 50)), Address(false, 1000 + (i % 50)), 6))) % 4]++;
        }

        Assert.All(counts, c => Assert.InRange(c, 700, 1300));
    }

    [Fact]
    public void AnyBytesAreSurvived()
    {
        Skip();
        Gen.Byte.Array[54, 200].Sample(bytes =>
        {
            bytes[12] = 0x08;
            bytes[13] = 0x00;
            _ = Run(bytes);
        }, iter: 500, threads: 1);
    }

    private static byte[] Wrap(string wrapping, bool isIpv6, byte[] packet)
    {
        var (far, near) = (Address(false, 71), Address(false, 72));
        byte[] type = isIpv6 ? [0x86, 0xDD] : [0x08, 0x00];
        var frame = Ethernet(isIpv6, packet);
        byte[] vxlan = [0x30, 0, 0x12, 0xB5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 42, 0];
        return wrapping switch
        {
            "plain" or "udp" => frame,
            "fragment" when !isIpv6 => Ethernet(false, [.. packet[..7], 0x10, .. packet[8..]]),
            "fragment" => frame,
            "vlan" => [.. frame[..12], 0x81, 0, 0, 5, .. frame[12..]],
            "qinq" => [.. frame[..12], 0x88, 0xA8, 0, 5, 0x81, 0, 0, 6, .. frame[12..]],
            "ipip" => Ethernet(false, Packet(far, near, isIpv6 ? (byte)41 : (byte)4, packet)),
            "gre" => Ethernet(false, Packet(far, near, 47, [0, 0, .. type, .. packet])),
            "gre-key-seq" => Ethernet(false, Packet(far, near, 47, [0xB0, 0, .. type, .. new byte[12], .. packet])),
            "gre-teb" => Ethernet(false, Packet(far, near, 47, [0, 0, 0x65, 0x58, .. frame])),
            "erspan2" => Ethernet(false, Packet(far, near, 47, [0x10, 0, 0x88, 0xBE, .. new byte[12], .. frame])),
            "erspan1" => Ethernet(false, Packet(far, near, 47, [0, 0, 0x88, 0xBE, .. frame])),
            "vxlan" => Ethernet(false, Packet(far, near, 17, [.. vxlan, .. frame])),
            "vxlan-vlan-inside" => Ethernet(false, Packet(far, near, 17, [.. vxlan, .. Wrap("vlan", isIpv6, packet)])),
            "vxlan-over-6" => Ethernet(true, Packet(Address(true, 71), Address(true, 72), 17, [.. vxlan, .. frame])),
            "vxlan-in-vxlan" => Ethernet(false, Packet(far, near, 17, [.. vxlan, .. Wrap("vxlan", isIpv6, packet)])),
            "geneve" => Ethernet(false, Packet(far, near, 17,
                [0x30, 0, 0x17, 0xC1, 0, 0, 0, 0, 0, 0, 0x65, 0x58, 0, 0, 42, 0, .. frame])),
            "geneve-options" => Ethernet(false, Packet(far, near, 17,
                [0x30, 0, 0x17, 0xC1, 0, 0, 0, 0, 2, 0, .. type, 0, 0, 42, 0, .. new byte[8], .. packet])),
            _ => throw new ArgumentOutOfRangeException(nameof(wrapping)),
        };
    }

    private static byte[] Ethernet(bool isIpv6, byte[] packet) =>
        [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, .. isIpv6 ? [0x86, 0xDD] : (byte[])[0x08, 0x00], .. packet];

    private static byte[] Address(bool isIpv6, int number)
    {
        var address = new byte[isIpv6 ? 16 : 4];
        address[0] = isIpv6 ? (byte)0x20 : (byte)10;
        BinaryPrimitives.WriteUInt16BigEndian(address.AsSpan(address.Length - 2), (ushort)number);
        return address;
    }

    private static byte[] Packet(byte[] source, byte[] destination, byte protocol, byte[]? payload = null)
    {
        payload ??= new byte[24];
        return source.Length == 4
            ? [0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, .. source, .. destination, .. payload]
            : [0x60, 0, 0, 0, 0, 0, protocol, 64, .. source, .. destination, .. payload];
    }

    private uint Run(byte[] frame)
    {
        fixed (byte* data = frame)
        {
            var attributes = new bpf_attr_test_run
            {
                prog_fd = (uint)_program!.Number, data_in = (ulong)data, data_size_in = (uint)frame.Length, repeat = 1,
            };
            Assert.Equal(0, SystemCalls.Bpf(Bpf.BPF_PROG_TEST_RUN, &attributes, (uint)sizeof(bpf_attr_test_run)));
            return attributes.retval;
        }
    }

    private void Skip()
    {
        if (_program is null)
        {
            Assert.Skip("needs CAP_BPF to run BPF programs");
        }
    }
}
