// The expression parser and what follows it, on hostile text. An input is UTF-8 text; what parses is judged over a few
// frames by the matcher and by the classic BPF made from it. Oracles: mistakes lie inside the text, a tree has none, both
// judges agree.
using System.Text;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Filter.Emission;
using Tapline.Tests.Filter.Witness;
using Tapline.Tests.Support;

namespace Tapline.Fuzz;

/// <summary>Fuzzes expressions.</summary>
public sealed class ExpressionTarget : IFuzzTarget
{
    private static readonly string[] s_seeds =
    [
        "tcp port 80 or 443", "host 10.0.0.1 and not net 192.168.0.0/16", "vlan 5 and (ip or ip6)", "ip[6:2] & 0x1fff != 0",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "ether host 00:11:22:33:44:55", "net fe80::/10", "portrange 1-1023",
        "geneve 5 and udp", "mpls 16 and ip", "pppoes and host (1.2.3.4 or 5.6.7.8)", "ip proto \\gre", "len - 14 > ip[2:2] * 3",
        "vm \"a b\" or web*", "inner tcp port 80", "tunnel vxlan and vni 42", "latency > 200ms", "sni contains bank", "llc ui",
    ];

    private readonly (byte[] Frame, LinkType LinkType)[] _frames = SampleFrames.All.Take(12)
        .Select(sample => (sample.Bytes, sample.LinkType)).ToArray();

    public string Name => "expression";

    public IReadOnlyList<byte[]> Seeds { get; } = s_seeds.Select(Encoding.UTF8.GetBytes).ToArray();

    public void Run(ReadOnlySpan<byte> input)
    {
        var text = Encoding.UTF8.GetString(input);
        var tree = FilterTree.Parse(text, out var mistakes);
        Must(tree is null == mistakes.Count > 0, "a text is right or has mistakes");
        foreach (var mistake in mistakes)
        {
            Must(mistake.Column >= 0 && mistake.Column <= text.Trim().Length, "a mistake lies in the text");
            Must(mistake.Length >= 1 && mistake.Message.Length > 0, "a mistake says something");
            _ = mistake.Pointer(text.Trim());
        }

        var filter = CompiledFilter.Compile(text, LinkType.Ethernet, out var error);
        Must(filter is null == error is not null, "what does not compile has a reason");
        if (filter is null || filter.NeedsDirectory)
        {
            return;
        }

        foreach (var (frame, linkType) in _frames)
        {
            var meta = new FrameMeta { LinkType = linkType, CapturedLength = frame.Length, OriginalLength = frame.Length };
            var matched = filter.Matches(meta, default, frame);
            if (CbpfEmitter.Emit(filter.Tree, linkType, out _) is { } emitted)
            {
                var program = CbpfProgram.TryLoad(emitted, out var reason);
                Must(program is not null, $"the program loads: {reason}");
                Must(CbpfInterpreter.Run(program!, frame, (uint)frame.Length) != 0 == matched, "both judges agree");
            }
        }
    }

    public void Dispose()
    {
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding(what);
        }
    }
}
