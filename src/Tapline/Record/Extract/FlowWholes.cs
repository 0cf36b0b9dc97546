// A flow that spans segments is judged on its whole: the counters in each live index go back to the flow's beginning, so the
// last index that has it knows all of it, and parts of a long flow add up. In: the indexes of a query's segments, in order
// of time. Bounded: flows beyond the limit are judged by what their own segment knows. One thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Facts of flows over all segments of a query.</summary>
internal sealed class FlowWholes(FlowTerms terms)
{
    private const int PartsMax = 2 << 20;
    private readonly Dictionary<(ulong FlowId, byte Part), FlowFacts> _parts = [];
    private readonly Dictionary<ulong, ulong> _truths = [];

    /// <summary>True when there were more flows than are kept.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Takes an index in. Throws <see cref="InvalidDataException"/> where it is damaged.</summary>
    public void Take(SegmentIndex index)
    {
        if (index.Header.Origin != IndexOrigin.Live)
        {
            return; // its flow ids mean nothing elsewhere
        }

        for (var flow = 1; flow < index.Flows; flow++)
        {
            index.CopyFlow(flow, out var record);
            if (_parts.Count < PartsMax || _parts.ContainsKey((record.FlowId, record.Part)))
            {
                _parts[(record.FlowId, record.Part)] = terms.Facts(record);
            }
            else
            {
                IsFull = true;
            }
        }
    }

    /// <summary>All indexes have been taken in: works out which terms hold for each flow.</summary>
    public void Finish()
    {
        var wholes = new Dictionary<ulong, FlowFacts>();
        foreach (var (key, facts) in _parts)
        {
            if (wholes.TryGetValue(key.FlowId, out var whole))
            {
                terms.Join(whole, facts);
            }
            else
            {
                wholes.Add(key.FlowId, facts);
            }
        }

        _parts.Clear();
        foreach (var (id, whole) in wholes)
        {
            _truths.Add(id, terms.Truths(whole));
        }
    }

    /// <summary>Which terms hold for a flow of an index.</summary>
    public ulong TruthsOf(SegmentIndex index, int flow)
    {
        if (index.Header.Origin == IndexOrigin.Live
            && _truths.TryGetValue((ulong)index.Column(IndexColumn.FlowId)[flow], out var truths))
        {
            return truths;
        }

        index.CopyFlow(flow, out var record);
        return terms.Truths(terms.Facts(record));
    }
}
