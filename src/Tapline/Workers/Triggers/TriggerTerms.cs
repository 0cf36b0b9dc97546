// The facts of flows that a trigger asks for, judged while the flow runs. Counters only grow and times of a handshake come once, so
// "more than" is decided for good as soon as it is true; what can still turn (`state syn_unanswered`, `frames < 3`) is known only at the
// end. A long flow's record comes in parts that begin at zero: what earlier parts counted is carried along, a number for each
// term. Pure; no allocation after the start.
using Tapline.Base;
using Tapline.Filter.Tree;
using Tapline.Record.Extract;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>Judges the terms of flows of one trigger. Shared by workers.</summary>
internal sealed class TriggerTerms
{
    private readonly FilterNode.Flow[] _terms;

    public TriggerTerms(FlowTerms terms)
    {
        _terms = [.. Enumerable.Range(0, terms.Count).Select(i => terms[i])];
        IsLive = _terms.All(IsDecidedOnceTrue);
        AsksVolume = _terms.Any(t => IsVolume(t.Field.Name));
    }

    public int Count => _terms.Length;

    /// <summary>True when a flow that satisfies all terms will do so at its end too: there is no need to wait.</summary>
    public bool IsLive { get; }

    /// <summary>True when any frame of a flow can make a term true; false = only news of the connection can.</summary>
    public bool AsksVolume { get; }

    /// <summary>False when the volume alone says no: spares the whole record.</summary>
    /// <param name="volume">What the flow has carried in this part.</param>
    /// <param name="startNs">When its first part began; 0 = this is it.</param>
    /// <param name="earlier">What earlier parts counted, by term; empty = there are none.</param>
    public bool MayHold(in FlowVolume volume, long startNs, ReadOnlySpan<long> earlier)
    {
        for (var i = 0; i < _terms.Length; i++)
        {
            var value = _terms[i].Field.Name switch
            {
                "frames" => volume.Frames,
                "bytes" => volume.Bytes,
                "payload_bytes" => volume.PayloadBytes,
                "duration" => volume.EndNs - (startNs == 0 ? volume.StartNs : startNs),
                _ => double.NaN,
            };
            value += earlier.IsEmpty || _terms[i].Field.Name == "duration" ? 0 : earlier[i];
            if (!double.IsNaN(value) && !FlowTerms.Compare(_terms[i], value))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when all terms hold for a flow as it stands.</summary>
    public bool Hold(in FlowRecord record, long startNs, ReadOnlySpan<long> earlier)
    {
        for (var i = 0; i < _terms.Length; i++)
        {
            var term = _terms[i];
            var holds = FlowTerms.IsNumber(term)
                ? FlowTerms.Compare(term, Value(term, record, startNs, earlier.IsEmpty ? 0 : earlier[i]))
                : FlowTerms.Compare(term, FlowTerms.Text(term.Field.Name, record));
            if (!holds)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes a part that has ended into what is carried along.</summary>
    public void Carry(in FlowRecord part, Span<long> earlier)
    {
        Invariant.Check(earlier.Length == _terms.Length);
        for (var i = 0; i < _terms.Length; i++)
        {
            var value = FlowTerms.IsNumber(_terms[i]) ? FlowTerms.Number(_terms[i], part) : double.NaN;
            if (!double.IsNaN(value))
            {
                earlier[i] = IsRoundTrip(_terms[i].Field.Name) ? Math.Max(earlier[i], (long)value) : earlier[i] + (long)value;
            }
        }
    }

    private static double Value(FilterNode.Flow term, in FlowRecord record, long startNs, long earlier)
    {
        var field = term.Field.Name;
        if (field == "duration")
        {
            return record.EndNs - (startNs == 0 ? record.StartNs : startNs);
        }

        var value = FlowTerms.Number(term, record);
        if (IsRoundTrip(field))
        {
            return earlier == 0 ? value : double.IsNaN(value) ? earlier : Math.Max(value, earlier);
        }

        return value + earlier;
    }

    private static bool IsDecidedOnceTrue(FilterNode.Flow term)
    {
        var isGrowing = term.Comparison is FieldComparison.Greater or FieldComparison.GreaterOrEqual
            || (term.Comparison == FieldComparison.NotEqual && term.Number == 0);
        return term.Field.Name switch
        {
            "app" => true,
            "event" => term.Comparison != FieldComparison.NotEqual,
            "end_reason" => false,
            "state" => !IsPassing(term, FlowState.SynUnanswered) && !IsPassing(term, FlowState.HandshakeUnfinished),
            var field => isGrowing || IsRoundTrip(field),
        };
    }

    // States that every connection goes through mean something only where it ends in them.
    private static bool IsPassing(FilterNode.Flow term, FlowState state) =>
        FlowTerms.Compare(term, FlowJsonText.StateName(state));

    private static bool IsVolume(string field) => field is "frames" or "bytes" or "payload_bytes" or "duration";

    private static bool IsRoundTrip(string field) => field is "handshake_rtt" or "client_rtt" or "server_rtt";
}
