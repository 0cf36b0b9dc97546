// Tapline's own terms: names that a directory gives, tunnels, the innermost packet, super-frames; and flow fields, which
// frames do not tell.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Filter.Emission;
using Tapline.Filter.Tree;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Filter;

public class FilterMetadataTests
{
    private const ulong WebMac = 0x5254_0000_0001;
    private const ulong DbMac = 0x5254_0000_0002;

    private static readonly FilterDirectory s_directory = new(
        [
            new FilterMachine("web01", [3], [WebMac], ["prod", "tier:web"]),
            new FilterMachine("db 1", [4, 5], [DbMac], ["prod"]),
            new FilterMachine("test", [6], [], []),
        ],
        [new FilterPoint(3, "vnet3"), new FilterPoint(4, "vnet4"), new FilterPoint(9, "eth0")]);

    public static TheoryData<string, int, ulong, ulong, bool> Names => new()
    {
        { "vm web01", 3, 0, 0, true }, { "vm web01", 9, WebMac, DbMac, true }, { "vm web01", 9, DbMac, WebMac, true },
        { "vm web01", 4, DbMac, 1, false }, { "src vm web01", 3, 0, 0, true }, { "src vm web01", 9, WebMac, 0, true },
        { "src vm web01", 9, DbMac, WebMac, false }, { "dst vm web01", 9, DbMac, WebMac, true },
        { "dst vm web01", 3, WebMac, DbMac, false }, { "src and dst vm web01", 3, 0, WebMac, true },
        { "vm web*", 3, 0, 0, true }, { "vm *", 6, 0, 0, true }, { "vm nobody", 3, WebMac, DbMac, false },
        { "vm \"db 1\"", 5, 0, 0, true }, { "vm web01 or test", 6, 0, 0, true }, { "vm (web01 or test)", 3, 0, 0, true },
        { "not vm web01", 3, 0, 0, false }, { "vm web?1 and ip6", 3, 0, 0, false }, { "tag prod", 4, 0, 0, true },
        { "tag prod", 6, 0, 0, false }, { "src tag tier:*", 9, WebMac, 0, true }, { "dst tag prod", 9, WebMac, DbMac, true },
        { "point vnet3", 3, 0, 0, true }, { "point vnet*", 9, 0, 0, false }, { "point vnet3 or eth0", 9, 0, 0, true },
        { "src vm web01 and dst vm \"db 1\"", 3, WebMac, DbMac, true },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void NamesStandForWhatTheDirectorySays(string expression, int point, ulong source, ulong destination, bool expected)
    {
        var filter = Compile(expression);
        Assert.True(filter.NeedsDirectory);
        filter.Bind(s_directory);
        var frame = Frame(source, destination);
        Assert.Equal(expected, Matches(filter, frame, m => m.PointId = (ushort)point));
    }

    [Fact]
    public void ANewDirectoryCountsFromTheNextFrameOn()
    {
        var filter = Compile("vm web01");
        var frame = Frame(WebMac, 1);
        Assert.False(Matches(filter, frame, _ => { }));
        filter.Bind(s_directory);
        Assert.True(Matches(filter, frame, _ => { }));
        filter.Bind(FilterDirectory.Empty);
        Assert.False(Matches(filter, frame, _ => { }));
    }

    [Theory]
    [InlineData("tunnel", true)]
    [InlineData("tunnel vxlan", true)]
    [InlineData("tunnel geneve", false)]
    [InlineData("tunnel and udp", true)]
    [InlineData("vni 42", true)]
    [InlineData("vni 43", false)]
    [InlineData("inner tcp", true)]
    [InlineData("inner udp", false)]
    [InlineData("udp", true)]
    [InlineData("tcp", false)]
    [InlineData("inner tcp port 80", true)]
    [InlineData("inner tcp src port 80", false)]
    [InlineData("inner dst port 80", true)]
    [InlineData("inner portrange 70-90", true)]
    [InlineData("inner port (443 or 80)", true)]
    [InlineData("inner (tcp and not port 443)", true)]
    [InlineData("inner not udp", true)]
    [InlineData("inner host 10.0.0.1 and not host 10.0.0.1", true)]
    [InlineData("inner src net 10.0.0.0/8", true)]
    [InlineData("inner host 10.0.0.9", false)]
    [InlineData("inner ip proto 6", true)]
    [InlineData("inner ether proto 0x800", true)]
    [InlineData("gso", false)]
    public void TunnelsAndTheInnermostPacketAreAskedOfTheLayout(string expression, bool expected)
    {
        var inner = new FrameBuilder().Ethernet().Ipv4().Tcp(1000, 80).Payload("hello").Build();
        byte[] outer =
        [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2,
            0x30, 0x39, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 42, 0, .. inner,
        ];
        (outer[16], outer[17]) = ((byte)((outer.Length - 14) >> 8), (byte)(outer.Length - 14));
        (outer[38], outer[39]) = ((byte)((outer.Length - 34) >> 8), (byte)(outer.Length - 34));
        Assert.Equal(expected, Matches(Compile(expression), outer, _ => { }));
    }

    [Fact]
    public void ASuperFrameIsFound()
    {
        Assert.True(Matches(Compile("gso and ip"), Frame(1, 2), m => m.GsoSize = 1448));
        Assert.False(Matches(Compile("gso and ip"), Frame(1, 2), _ => { }));
    }

    [Theory]
    [InlineData("vm web01 and tcp", "vm web01")]
    [InlineData("tcp or tunnel vxlan", "tunnel")]
    [InlineData("inner port 80", "inner")]
    public void WhatTheKernelCannotDecideIsNamed(string expression, string term)
    {
        var tree = FilterTree.Parse(expression, out _)!;
        Assert.Null(CbpfEmitter.Emit(tree, LinkType.Ethernet, out var whyNot));
        Assert.Equal($"`{term}` in its expression needs user space", whyNot);
    }

    [Theory]
    [InlineData("latency > 200ms", "latency", FieldComparison.Greater, 200e6)]
    [InlineData("latency>1.5s", "latency", FieldComparison.Greater, 1.5e9)]
    [InlineData("handshake_rtt >= 50us", "handshake_rtt", FieldComparison.GreaterOrEqual, 50e3)]
    [InlineData("bytes > 10MiB", "bytes", FieldComparison.Greater, 10 * 1024 * 1024)]
    [InlineData("status >= 500", "status", FieldComparison.GreaterOrEqual, 500)]
    [InlineData("retransmissions != 3", "retransmissions", FieldComparison.NotEqual, 3)]
    [InlineData("app http", "app", FieldComparison.Equal, 0)]
    [InlineData("app = http", "app", FieldComparison.Equal, 0)]
    [InlineData("sni contains bank", "sni", FieldComparison.Contains, 0)]
    public void FieldsOfFlowsStayInTheTree(string expression, string field, FieldComparison comparison, double number)
    {
        var tree = FilterTree.Parse(expression, out var mistakes);
        Assert.Empty(mistakes);
        var flow = Assert.IsType<FilterNode.Flow>(tree!.Root);
        Assert.Equal((field, comparison, number), (flow.Field.Name, flow.Comparison, flow.Number));
        Assert.Null(CompiledFilter.Compile(expression, LinkType.Ethernet, out var error));
        Assert.Contains("no single frame tells", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AskingForNamesAllocatesNothing()
    {
        var filter = Compile("vm web* or tag prod or point eth0 or inner port 80 or tunnel");
        filter.Bind(s_directory);
        var frame = Frame(7, 8);
        var meta = Meta(frame);
        FrameDecoder.Decode(frame, in meta, out var layout);
        var selected = filter.Matches(meta, layout, frame);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                selected |= filter.Matches(meta, layout, frame);
            }
        }));
        Assert.False(selected);
    }

    private static CompiledFilter Compile(string expression)
    {
        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        Assert.True(filter is not null, error);
        return filter;
    }

    private static byte[] Frame(ulong source, ulong destination)
    {
        var frame = new FrameBuilder().Ethernet().Ipv4().Tcp(1000, 2000).Payload("hello").Build();
        for (var i = 0; i < 6; i++)
        {
            frame[i] = (byte)(destination >> (40 - (8 * i)));
            frame[6 + i] = (byte)(source >> (40 - (8 * i)));
        }

        return frame;
    }

    private static FrameMeta Meta(byte[] frame) => new()
    {
        LinkType = LinkType.Ethernet, CapturedLength = frame.Length, OriginalLength = frame.Length,
    };

    private static bool Matches(CompiledFilter filter, byte[] frame, Action<MetaBox> change)
    {
        var box = new MetaBox { Meta = Meta(frame) };
        change(box);
        FrameDecoder.Decode(frame, in box.Meta, out var layout);
        return filter.Matches(box.Meta, layout, frame);
    }

    private sealed class MetaBox
    {
        public FrameMeta Meta;

        public ushort PointId
        {
            set => Meta.PointId = value;
        }

        public ushort GsoSize
        {
            set => Meta.GsoSize = value;
        }
    }
}
