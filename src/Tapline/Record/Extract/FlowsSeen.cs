// What one index says of its flows, as far as flows that span segments ask: borrowed memory, for the short time until it is taken in.
using System.Buffers;
using System.Collections.Frozen;
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Ids of a segment's flows, and which terms hold for each; [0] belongs to no flow. One thread at a time.</summary>
internal sealed class FlowsSeen : IDisposable
{
    private readonly int _flows;
    private readonly long[] _ids;
    private readonly ulong[] _truths;

    private FlowsSeen(int flows)
    {
        _flows = flows;
        _ids = ArrayPool<long>.Shared.Rent(flows);
        _truths = ArrayPool<ulong>.Shared.Rent(flows);
    }

    public ReadOnlySpan<long> Ids => _ids.AsSpan(0, _flows);

    /// <summary>By what this index knows; a bit for each term.</summary>
    public ReadOnlySpan<ulong> Truths => _truths.AsSpan(0, _flows);

    /// <summary>Flows whose records are of later parts, and which; all others are of the first.</summary>
    public IReadOnlyDictionary<int, byte> Parts { get; private init; } = FrozenDictionary<int, byte>.Empty;

    /// <summary>Looks at an index; decodes what it needs. Throws <see cref="InvalidDataException"/> where that is damaged.</summary>
    public static FlowsSeen Of(SegmentIndex index, FlowTerms terms, bool hasParts)
    {
        var ids = index.Column(IndexColumn.FlowId);
        var parts = hasParts ? index.Column(IndexColumn.Part) : [];
        var later = new Dictionary<int, byte>();
        for (var flow = 1; flow < parts.Length; flow++)
        {
            if (parts[flow] > 0)
            {
                later.Add(flow, (byte)parts[flow]);
            }
        }

        var seen = new FlowsSeen(index.Flows) { Parts = later };
        ids.CopyTo(seen._ids);
        TermTruths.Fill(index, terms, seen._truths.AsSpan(0, index.Flows));
        return seen;
    }

    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(_ids);
        ArrayPool<ulong>.Shared.Return(_truths);
    }
}
