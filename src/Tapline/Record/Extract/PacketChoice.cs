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
    public static PacketChoice? Make(SegmentIndex index, ExtractOptions options, FlowWholes wholes)
    {
        var filter = options.Filter;
        var (from, to) = index.OffsetRange(options.SinceNs, options.UntilNs);
        var judge = new FlowJudge(index, filter);
        var flows = new List<int> { 0 };
        var truths = new List<ulong> { 0 };
        if (to > from && judge.MayHaveAny())
        {
            for (var flow = 1; flow < index.Flows; flow++)
            {
                var known = filter.AsksFlows ? wholes.TruthsOf(index, flow) : 0;
                if (judge.Judge(flow, known) != Judgement.No)
                {
                    flows.Add(flow);
                    truths.Add(known);
                }
            }
        }

        var packets = 0L;
        flows.ForEach(flow => packets += index.PacketCount(flow));
        var isWalked = packets > index.Header.Frames / WalkShare;
        if (isWalked && !filter.AsksFlows)
        {
            return null;
        }

        return Collect(index, flows, truths, filter.AsksFlows, from, to, isSparse: !isWalked);
    }

    private static PacketChoice Collect(
        SegmentIndex index, List<int> flows, List<ulong> truths, bool asksFlows, long from, long to, bool isSparse)
    {
        var offsets = new List<long>();
        var answers = new List<ulong>();
        var list = new List<long>();
        for (var i = 0; i < flows.Count; i++)
        {
            list.Clear();
            index.AddPackets(flows[i], list);
            foreach (var offset in list)
            {
                if (offset >= from && offset < to)
                {
                    offsets.Add(offset);
                    answers.Add(truths[i]);
                }
            }
        }

        var keys = offsets.ToArray();
        var values = asksFlows ? answers.ToArray() : null;
        if (values is null)
        {
            Array.Sort(keys);
        }
        else
        {
            Array.Sort(keys, values);
        }

        return new PacketChoice(keys, values, isSparse);
    }
}
