// Expressions judged by the running kernel on live frames: a program on the TCX hook of a veth counts what its filter wants
// and what not. The kernel has put VLAN tags beside the frames by then; our matcher, which sees the frames as they were sent,
// is the other judge.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Filter;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Filter;

public sealed unsafe class FilterLiveTests
{
    private const int Rounds = 5;

    private static readonly string[] s_expressions =
    [
        "udp", "tcp", "ip", "not ip", "vlan", "vlan 7", "vlan 7 and udp", "vlan and vlan", "vlan and vlan 9 and ip", "not vlan",
        "udp port 7", "vlan and portrange 1-60000", "ether[12:2] = 0x8100", "ether[14:2] & 0xfff = 7", "ether[13:4] != 0",
        "ether[ether[13] + 14] = 0x45", "len > 100", "len = 68", "vlan and len = 68", "host 10.0.0.1",
        "vlan and src host 10.0.0.1", "ip[8] > 10", "tcp[13] & 2 != 0 or udp[4:2] > 8", "ether[len - 1] = 0", "greater 1000",
    ];

    [Fact]
    public void TheKernelJudgesLiveFramesAsTheMatcherDoes()
    {
        LabNeeds.Namespaces();
        using var near = NetNamespace.Create("f");
        using var far = NetNamespace.Create("g");
        using var veth = VethPair.Create(near, far, "out", "in");
        near.Ip("link", "set", "out", "mtu", "9000");
        far.Ip("link", "set", "in", "mtu", "9000");
        using var sender = near.Enter(() => new RawSender(LinkIndex.Of("out")));
        var index = far.Enter(() => LinkIndex.Of("in"));
        var frames = Frames();
        foreach (var expression in s_expressions)
        {
            var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
            Assert.True(filter is not null, error);
            long wanted = frames.Count(f => Matches(filter, f)) * Rounds;
            var (selected, refused) = Judge(filter.Tree, far, index, sender, frames);
            Assert.Equal((expression, wanted, ((long)frames.Count * Rounds) - wanted), (expression, selected, refused));
        }
    }

    private static (long Selected, long Refused) Judge(
        FilterTree tree, NetNamespace far, int index, RawSender sender, List<byte[]> frames)
    {
        using var counters = BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_ARRAY, 4, 24, 1, "lab_filter", out var error);
        Assert.True(counters is not null, error);
        using var program = BpfSystem.Load(
            Bpf.BPF_PROG_TYPE_SCHED_CLS, Program(tree, counters), "lab_filter", Bpf.BPF_TCX_INGRESS, out error);
        Assert.True(program is not null, error);
        var (link, errno) = far.Enter(() => (TcxLink.Attach(program, index, isEgress: false, out var e), e));
        if (link is null && errno == SystemCalls.EINVAL)
        {
            Assert.Skip("needs TCX (Linux 6.6)");
        }

        using (link)
        {
            Assert.True(link is not null, SystemError.Describe(errno));
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var frame in frames)
                {
                    Assert.True(sender.Send(frame));
                }
            }

            LabWait.Until(() => Counters(counters).Sum() >= frames.Count * Rounds, "all frames to be judged");
        }

        var counts = Counters(counters);
        Assert.Equal(0, counts[2]);
        return (counts[0], counts[1]);
    }

    // Our frames carry a source address of their own: what the kernel sends by itself (neighbour discovery) is not counted.
    private static bpf_insn[] Program(FilterTree tree, FileDescriptor counters)
    {
        var code = new BpfAssembler();
        var reject = code.Label();
        var ours = code.Label();
        var end = code.Label();
        code.Move(6, 1);
        code.StoreImmediate(Bpf.BPF_DW, 10, -16, 0);
        code.Move(1, 6);
        code.MoveImmediate(2, 6);
        code.Move(3, 10);
        code.AluImmediate(Bpf.BPF_ADD, 3, -16);
        code.MoveImmediate(4, 4);
        code.Call(Bpf.BPF_FUNC_skb_load_bytes);
        code.Load(Bpf.BPF_W, 1, 10, -16);
        code.JumpIf32(Bpf.BPF_JEQ, 1, BitConverter.ToInt32(s_source), ours);
        code.Jump(end);
        code.Place(ours);
        Assert.True(EbpfEmitter.TryEmit(code, tree, LinkType.Ethernet, reject, out var whyNot), whyNot);
        code.LoadMapValue(1, counters.Number);
        Count(code, 0);
        code.Jump(end);
        code.Place(reject);
        code.LoadMapValue(1, counters.Number);
        Count(code, 8);
        code.Place(end);
        code.MoveImmediate(0, Bpf.TCX_NEXT);
        code.Exit();
        return code.Build();
    }

    private static void Count(BpfAssembler code, short offset)
    {
        code.Load(Bpf.BPF_DW, 2, 1, offset);
        code.AluImmediate(Bpf.BPF_ADD, 2, 1);
        code.Store(Bpf.BPF_DW, 1, offset, 2);
    }

    private static readonly byte[] s_source = [0x02, 0x54, 0x41, 0x50];

    private static List<byte[]> Frames()
    {
        byte[] one = [0x81, 0x00, 0x20, 0x07];
        byte[] two = [0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x09];
        var frames = new List<byte[]>
        {
            TestFrames.Udp(0x0a000001, 0x0a000002), TestFrames.Udp(0x0a000003, 0x0a000001, 1000),
            TestFrames.Udp(0x0a000001, 0x0a000002, tags: one), TestFrames.Udp(0x0a000001, 0x0a000002, 200, two),
            TestFrames.Tcp(0x0a000001, 0x0a000002, 100), TestFrames.Tcp(0x0a000005, 0x0a000006, 3000, one),
            TestFrames.Tcp(0x0a000005, 0x0a000006, 10, two), new byte[60],
        };
        foreach (var frame in frames)
        {
            s_source.CopyTo(frame, 6);
        }

        return frames;
    }

    private static bool Matches(CompiledFilter filter, byte[] frame)
    {
        var meta = new FrameMeta
        {
            LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length,
        };
        return filter.Matches(meta, default, frame);
    }

    private static long[] Counters(FileDescriptor map)
    {
        var key = 0;
        var values = new long[3];
        fixed (long* to = values)
        {
            Assert.True(BpfSystem.Lookup(map, &key, to));
        }

        return values;
    }
}
