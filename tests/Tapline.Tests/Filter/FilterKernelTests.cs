// The eBPF of each expression loads on the running kernel and selects, of the corpus, what libpcap selects: with VLAN tags
// in the bytes and beside them. Classic BPF likewise, on a socket.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Filter;
using Tapline.Filter.Emission;
using Tapline.Tests.Filter.Witness;
using Xunit;

namespace Tapline.Tests.Filter;

public sealed class FilterKernelTests : IClassFixture<FrameCorpus>
{
    private const int Generated = 120;
    private const int Seed = 20260102;

    // Each frame costs a system call: one in so many is judged, and all that carry a tag or are short.
    private const int FrameStep = 41;
    private const int ShortFrameBytes = 42;
    private readonly FrameCorpus _corpus;

    public FilterKernelTests(FrameCorpus corpus) => _corpus = corpus;

    [Fact]
    public void TheKernelSelectsWhatLibpcapSelects()
    {
        _corpus.NeedsAll();
        Assert.SkipUnless(Privileges.HasBpf, "needs CAP_BPF to load programs");
        var frames = Frames();
        var mistakes = new List<string>();
        var tagged = 0;
        foreach (var expression in Expressions.ByHand.Concat(Expressions.Generate(_corpus, Generated, Seed)))
        {
            if (Compare(expression, frames, ref tagged) is { } mistake)
            {
                mistakes.Add(mistake);
            }
        }

        Assert.True(mistakes.Count == 0, $"{mistakes.Count} differ:\n" + string.Join('\n', mistakes));
        Assert.True(tagged > 10_000, $"only {tagged} frames had their tag beside them");
    }

    [Fact]
    public void ASocketSelectsWhatLibpcapSelects()
    {
        _corpus.NeedsAll();
        var frames = Frames();
        var mistakes = new List<string>();
        foreach (var expression in Expressions.ByHand)
        {
            if (FilterTree.Parse(expression, out _) is not { } tree
                || CbpfEmitter.Emit(tree, LinkType.Ethernet, out _) is not { } program
                || PcapWitness.Compile(expression, LinkType.Ethernet, optimise: true, out _) is not { } witness)
            {
                continue;
            }

            using var judge = new SocketJudge(program);
            foreach (var i in frames)
            {
                var frame = _corpus.Frame(i, out _);
                var expected = PcapWitness.RunUnchecked(witness, frame, (uint)frame.Length) != 0;
                if (judge.Judge(frame) != expected)
                {
                    mistakes.Add($"{expression}: frame {i} ({Text(frame)}): libpcap {expected}, the socket {!expected}");
                    break;
                }
            }
        }

        Assert.True(mistakes.Count == 0, $"{mistakes.Count} differ:\n" + string.Join('\n', mistakes));
    }

    private List<int> Frames()
    {
        var frames = new List<int>();
        for (var i = 0; i < _corpus.Count; i++)
        {
            var frame = _corpus.Frame(i, out _);
            var isTagged = frame.Length > 14 && (frame[12], frame[13]) is (0x81, 0x00) or (0x88, 0xa8);
            if (frame.Length is >= KernelJudge.FrameBytesMin and <= KernelJudge.FrameBytesMax
                && (i % FrameStep == 0 || frame.Length < ShortFrameBytes || (isTagged && i % 3 == 0)))
            {
                frames.Add(i);
            }
        }

        Assert.True(frames.Count > 1000, $"only {frames.Count} frames");
        return frames;
    }

    private string? Compare(string expression, List<int> frames, ref int tagged)
    {
        var witness = PcapWitness.Compile(expression, LinkType.Ethernet, optimise: true, out _);
        string? reason = null;
        using var judge = FilterTree.Parse(expression, out _) is { } tree ? KernelJudge.Load(tree, out reason) : null;
        if (judge is null)
        {
            // What nobody can match is refused by libpcap and by us, not always by both.
            var isNothing = reason is not null && reason.StartsWith("no frame", StringComparison.Ordinal);
            return witness is null || isNothing ? null : $"{expression}: {reason}";
        }

        foreach (var i in frames)
        {
            // The kernel's frame is as long as its bytes.
            var frame = _corpus.Frame(i, out _);
            var expected = witness is not null && PcapWitness.RunUnchecked(witness, frame, (uint)frame.Length) != 0;
            if (judge.Judge(frame) is { } verdict && verdict != expected)
            {
                return $"{expression}: frame {i} ({Text(frame)}): libpcap {expected}, the kernel {!expected}";
            }

            if (judge.JudgeWithTagBeside(frame) is { } beside)
            {
                tagged++;
                if (beside != expected)
                {
                    return $"{expression}: frame {i}, tag beside it ({Text(frame)}): libpcap {expected}, the kernel {beside}";
                }
            }
        }

        return null;
    }

    private static string Text(ReadOnlySpan<byte> frame) => Convert.ToHexString(frame[..Math.Min(frame.Length, 64)]);
}
