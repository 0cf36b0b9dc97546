// Each expression selects of the real captures exactly the frames that libpcap selects: the matcher, the classic BPF that
// we emit, and the naive oracle. The oracle reads all that an expression names, so libpcap without its optimiser is its
// witness; the others read no more than libpcap's optimised program.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Filter;
using Tapline.Filter.Emission;
using Tapline.Filter.Lowering;
using Tapline.Filter.Matching;
using Tapline.Tests.Filter.Witness;
using Xunit;

namespace Tapline.Tests.Filter;

public sealed class FilterCorpusTests : IClassFixture<FrameCorpus>
{
    private const int Generated = 300;
    private const int Seed = 20260101;

    // The oracle is slow: it sees one frame in so many, and all that are short enough to be cut in their headers.
    private const int OracleStep = 7;
    private const int ShortFrameBytes = 42;
    private readonly FrameCorpus _corpus;

    public FilterCorpusTests(FrameCorpus corpus) => _corpus = corpus;

    [Fact]
    public void EachExpressionSelectsWhatLibpcapSelects()
    {
        _corpus.NeedsAll();
        var mistakes = new List<string>();
        foreach (var expression in Expressions.ByHand.Concat(Expressions.Generate(_corpus, Generated, Seed)))
        {
            if (Compare(expression) is { } mistake)
            {
                mistakes.Add(mistake);
            }
        }

        Assert.True(mistakes.Count == 0, $"{mistakes.Count} differ:\n" + string.Join('\n', mistakes));
    }

    private bool SelectsNothing(sock_filter[] witness)
    {
        for (var i = 0; i < _corpus.Count; i++)
        {
            if (PcapWitness.RunUnchecked(witness, _corpus.Frame(i, out var length), (uint)length) != 0)
            {
                return false;
            }
        }

        return true;
    }

    // That no frame can match libpcap and we find out for different expressions, and refuse then.
    private static bool RejectsAll(string? reason) =>
        reason is not null && reason.Contains("rejects all packets", StringComparison.Ordinal);

    [Theory]
    [InlineData("tcp port 80 or 443")]
    [InlineData("not ip")]
    [InlineData("vlan and ip")]
    [InlineData("net 192.168.0.0/16 and not port 53")]
    [InlineData("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0")]
    [InlineData("ether multicast or len > 1000")]
    [InlineData("geneve and ip")]
    [InlineData("mpls and ip")]
    [InlineData("icmp6 or arp or stp")]
    [InlineData("udp portrange 1000-2000 and ip[8] < 64")]
    public void TheProgramTcpdumpSelectsTheSameFrames(string expression)
    {
        _corpus.NeedsAll();
        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        Assert.True(filter is not null, error);
        var numbers = new List<int>();
        for (var i = 0; i < _corpus.Count; i++)
        {
            var frame = _corpus.Frame(i, out var length);
            if (filter.Matches(FrameCorpus.Meta(frame, length), default, frame))
            {
                numbers.Add(i);
            }
        }

        Assert.NotEmpty(numbers);
        Assert.Equal(_corpus.Tcpdump(expression), numbers);
    }

    private string? Compare(string expression)
    {
        var witness = PcapWitness.Compile(expression, LinkType.Ethernet, optimise: true, out var reason);
        var tree = FilterTree.Parse(expression, out var wrong);
        FilterMistake? mistake = null;
        var program = tree is null ? null : FilterProgram.Make(tree, LinkType.Ethernet, out mistake);
        if (program is null || (witness is null && !RejectsAll(reason)))
        {
            var isNothing = mistake is not null && mistake.Message.StartsWith("no frame", StringComparison.Ordinal);
            return program is null && (witness is null || (isNothing && SelectsNothing(witness))) ? null
                : $"{expression}: libpcap says {reason ?? "yes"}, we say "
                    + (tree is null ? FilterMistake.Sentence(expression, wrong) : mistake?.Message ?? "yes");
        }

        var matcher = new FrameMatcher(program, []);
        var binding = DirectoryBinding.Make([], FilterDirectory.Empty);
        var emitted = CbpfEmitter.Emit(tree!, LinkType.Ethernet, out var whyNot);
        var machine = emitted is null ? null : CbpfProgram.TryLoad(emitted, out whyNot);
        if (machine is null)
        {
            return $"{expression}: {whyNot}";
        }

        var oracle = new FilterOracle(tree!);
        var plain = PcapWitness.Compile(expression, LinkType.Ethernet, optimise: false, out _)!;
        for (var i = 0; i < _corpus.Count; i++)
        {
            var frame = _corpus.Frame(i, out var length);
            if (i % OracleStep == 0 || frame.Length < ShortFrameBytes)
            {
                var judged = oracle.Judge(frame, (uint)length);
                if (judged != (PcapWitness.RunUnchecked(plain, frame, (uint)length) != 0))
                {
                    return $"{expression}: frame {i} ({Convert.ToHexString(frame[..Math.Min(frame.Length, 64)])}): "
                        + $"oracle {judged}, libpcap unoptimised {!judged}";
                }
            }

            var expected = witness is not null && PcapWitness.RunUnchecked(witness, frame, (uint)length) != 0;
            var matched = matcher.Matches(FrameCorpus.Meta(frame, length), default, frame, binding);
            var run = CbpfInterpreter.Run(machine, frame, (uint)length) != 0;
            if (matched != expected || run != expected)
            {
                return $"{expression}: frame {i} ({Convert.ToHexString(frame[..Math.Min(frame.Length, 64)])}): "
                    + $"libpcap {expected}, matcher {matched}, classic BPF {run}";
            }
        }

        return null;
    }
}
