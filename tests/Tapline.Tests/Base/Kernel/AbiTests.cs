// The mirrors of kernel structs have the sizes and offsets that the kernel's headers give (printed by a C program with
// offsetof on x86-64 and written down here). A difference would corrupt memory silently.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tapline.Base.Kernel;
using Xunit;

namespace Tapline.Tests.Base.Kernel;

public class AbiTests
{
    [Fact]
    public void StructSizesAreTheKernels()
    {
        Assert.Equal(48, Unsafe.SizeOf<tpacket_block_desc>());
        Assert.Equal(48, Unsafe.SizeOf<tpacket3_hdr>());
        Assert.Equal(28, Unsafe.SizeOf<tpacket_req3>());
        Assert.Equal(12, Unsafe.SizeOf<tpacket_stats_v3>());
        Assert.Equal(20, Unsafe.SizeOf<sockaddr_ll>());
        Assert.Equal(16, Unsafe.SizeOf<packet_mreq>());
        Assert.Equal(8, Unsafe.SizeOf<fanout_args>());
        Assert.Equal(10, Unsafe.SizeOf<virtio_net_hdr>());
        Assert.Equal(8, Unsafe.SizeOf<pollfd>());
        Assert.Equal(8, Unsafe.SizeOf<bpf_insn>());
    }

    [Theory]
    [InlineData(typeof(tpacket3_hdr), "tp_status", 20)]
    [InlineData(typeof(tpacket3_hdr), "tp_mac", 24)]
    [InlineData(typeof(tpacket3_hdr), "tp_rxhash", 28)]
    [InlineData(typeof(tpacket3_hdr), "tp_vlan_tci", 32)]
    [InlineData(typeof(tpacket_block_desc), "block_status", 8)]
    [InlineData(typeof(tpacket_block_desc), "num_pkts", 12)]
    [InlineData(typeof(tpacket_block_desc), "offset_to_first_pkt", 16)]
    [InlineData(typeof(tpacket_block_desc), "seq_num", 24)]
    [InlineData(typeof(tpacket_block_desc), "ts_first_sec", 32)]
    [InlineData(typeof(sockaddr_ll), "sll_ifindex", 4)]
    [InlineData(typeof(virtio_net_hdr), "csum_start", 6)]
    [InlineData(typeof(bpf_attr_map_create), "map_flags", 16)]
    [InlineData(typeof(bpf_attr_map_create), "map_name", 28)]
    [InlineData(typeof(bpf_attr_map_elem), "key", 8)]
    [InlineData(typeof(bpf_attr_map_elem), "flags", 24)]
    [InlineData(typeof(bpf_attr_prog_load), "insns", 8)]
    [InlineData(typeof(bpf_attr_prog_load), "license", 16)]
    [InlineData(typeof(bpf_attr_prog_load), "log_buf", 32)]
    [InlineData(typeof(bpf_attr_prog_load), "prog_name", 48)]
    [InlineData(typeof(bpf_attr_prog_load), "expected_attach_type", 68)]
    [InlineData(typeof(bpf_attr_test_run), "data_in", 16)]
    [InlineData(typeof(bpf_attr_test_run), "repeat", 32)]
    [InlineData(typeof(bpf_attr_test_run), "ctx_in", 48)]
    public void FieldsStandWhereTheKernelLooks(Type type, string field, int offset) =>
        Assert.Equal(offset, (int)Marshal.OffsetOf(type, field));
}
