// Which packets of a segment have to be read, as its index tells: those of flows that may have any, those of no flow, inside
// the part of the file that the window lies in. In: an index, believed after its checksums. Out: offsets, rising, each
// with the truths of its flow's terms. Where most packets are wanted, walking the file is cheaper. One thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Packets chosen in one segment.</summary>
internal sealed class PacketChoice
{
    // Reading single packets costs a call each; below this share of the segment it is worth it.
    private const int WalkShare = 4;

    private PacketChoice(long[] offsets, ulong[]? truths, bool isSparse)
    {
        Offsets = offsets;
        Truths = truths;
        IsSparse = isSparse;
    }

    /// <summary>Of their blocks in the segment, rising.</summary>
    public long[] Offsets { get; }

    /// <summary>Which flow terms hold, by packet; null = the expression has none.</summary>
    public ulong[]? Truths { get; }

    /// <summary>They are few: read them one by one instead of walking the file.</summary>
    public bool IsSparse { get; }

    /// <summary>Chooses; null = every packet has to be looked at, and no term needs a flow. Throws
    /// <see cref="InvalidDataException"/> where the index is damaged.</summary>
    /// <param name="index">The index.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="names">What names mean in the segment; null = not known.</param>
    /// <param name="truths">Which flow terms hold, by flow; null = the expression has none.</param>
    public static PacketChoice? Make(SegmentIndex index, ExtractOptions options, SegmentNames? names, Func<ulong[]>? truths)
    {
        var (from, to) = RangeOf(index, options);
        var known = to > from ? truths?.Invoke() : null;
        var judge = new FlowJudge(index, options.Filter, names, known);
        var flows = new List<int>();
        if (to > from && index.PacketsOfNoFlow > 0)
        {
            flows.Add(0);
        }

        if (to > from && judge.MayHaveAny())
        {
            var verdicts = new sbyte[index.Flows];
            judge.Judge(verdicts);
            for (var flow = 1; flow < verdicts.Length; flow++)
            {
                if (verdicts[flow] != (sbyte)Judgement.No)
                {
                    flows.Add(flow);
                }
            }
        }

        if (flows.Count == 0)
        {
            return new PacketChoice([], null, isSparse: true);
        }

        var packets = index.PacketCount(flows);
        var isWalked = packets > index.Header.Frames / WalkShare;
        return isWalked && truths is null ? null : Collect(index, flows, packets, known, (from, to), isSparse: !isWalked);
    }

    // The part of the file that the window lies in; most windows take in whole segments.
    private static (long From, long To) RangeOf(SegmentIndex index, ExtractOptions options)
    {
        var header = index.Header;
        return options.SinceNs <= header.FirstNs && options.UntilNs > header.LastNs ? (0, header.SegmentBytes)
            : header.LastNs < options.SinceNs || header.FirstNs >= options.UntilNs ? (0, 0)
            : index.OffsetRange(options.SinceNs, options.UntilNs);
    }

    private static PacketChoice Collect(
        SegmentIndex index, List<int> flows, int packets, ulong[]? truths, (long From, long To) range, bool isSparse)
    {
        var offsets = GC.AllocateUninitializedArray<long>(packets);
        var answers = truths is null ? null : GC.AllocateUninitializedArray<ulong>(packets);
        var list = new List<long>();
        var count = 0;
        foreach (var flow in flows)
        {
            list.Clear();
            index.AddPackets(flow, list);
            foreach (var offset in list)
            {
                if (offset >= range.From && offset < range.To)
                {
                    answers?[count] = flow == 0 ? 0 : truths![flow];
                    offsets[count++] = offset;
                }
            }
        }

        Array.Resize(ref offsets, count);
        if (answers is null)
        {
            Array.Sort(offsets);
        }
        else
        {
            Array.Resize(ref answers, count);
            Array.Sort(offsets, answers);
        }

        return new PacketChoice(offsets, answers, isSparse);
    }
}
