// The flow terms of an expression on the columns of one index: which hold for each flow, by what this index knows of it. A fact that
// is not known satisfies no comparison; packets of no flow satisfy no term. One thread.
using Tapline.Filter.Tree;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Answers flow terms column by column.</summary>
internal static class TermTruths
{
    private static readonly IndexColumn[] s_identity =
        [IndexColumn.FlowId, IndexColumn.Part, IndexColumn.Protocol];

    /// <summary>Fills in the truths of all flows; a bit for each term.</summary>
    public static void Fill(SegmentIndex index, FlowTerms terms, Span<ulong> truths)
    {
        truths.Clear();
        for (var i = 0; i < terms.Count; i++)
        {
            Fill(index, terms, i, truths);
        }

        if (!terms.MayHoldForLoose || truths.IndexOfAnyExcept(0UL) < 0)
        {
            return;
        }

        var protocols = index.Column(IndexColumn.Protocol);
        for (var flow = 1; flow < truths.Length; flow++)
        {
            truths[flow] = protocols[flow] == IndexProtocol.Loose ? 0 : truths[flow];
        }
    }

    /// <summary>The columns that a term needs of a record, with those that tell which flow it is; null = all.</summary>
    public static IndexColumn[]? Columns(FlowTerms terms)
    {
        var columns = new List<IndexColumn>(s_identity);
        for (var i = 0; i < terms.Count; i++)
        {
            switch (terms[i].Field.Name)
            {
                case "app":
                    columns.Add(IndexColumn.AppId);
                    break;
                case "state":
                    columns.Add(IndexColumn.State);
                    break;
                case "end_reason":
                    columns.Add(IndexColumn.EndReason);
                    break;
                case "duration":
                    columns.AddRange([IndexColumn.StartNs, IndexColumn.EndNs]);
                    break;
                case "handshake_rtt" or "client_rtt" or "server_rtt":
                    columns.AddRange([IndexColumn.HandshakeRttNs, IndexColumn.ClientRttNs, IndexColumn.ServerRttNs]);
                    break;
                case var field when Counter(field) is { } counter:
                    columns.Add(counter);
                    columns.Add(counter + (IndexColumn.ResponderFrames - IndexColumn.InitiatorFrames));
                    break;
                default:
                    return null;
            }
        }

        return [.. columns.Distinct()];
    }

    private static void Fill(SegmentIndex index, FlowTerms terms, int number, Span<ulong> truths)
    {
        var term = terms[number];
        var bit = 1UL << number;
        switch (term.Field.Name)
        {
            case "app":
                FillText(index.Column(IndexColumn.AppId), id => AppNames.Find((ushort)id), term, bit, truths);
                break;
            case "state":
                FillText(
                    index.Column(IndexColumn.State),
                    state => state == (long)FlowState.None ? null : FlowJsonText.StateName((FlowState)state), term, bit, truths);
                break;
            case "end_reason":
                FillText(
                    index.Column(IndexColumn.EndReason),
                    reason => reason == (long)FlowEndReason.None ? null : FlowJsonText.ReasonName((FlowEndReason)reason),
                    term, bit, truths);
                break;
            case "duration":
                FillNumbers(index.Column(IndexColumn.EndNs), index.Column(IndexColumn.StartNs), -1, term, bit, truths);
                break;
            case "handshake_rtt":
                FillRoundTrip(index, IndexColumn.HandshakeRttNs, term, bit, truths);
                break;
            case "client_rtt":
                FillRoundTrip(index, IndexColumn.ClientRttNs, term, bit, truths);
                break;
            case "server_rtt":
                FillRoundTrip(index, IndexColumn.ServerRttNs, term, bit, truths);
                break;
            case var field when Counter(field) is { } counter:
                FillCounter(index, counter, term, bit, truths);
                break;
            default:
                for (var flow = 1; flow < truths.Length; flow++)
                {
                    index.CopyFlow(flow, out var record);
                    truths[flow] |= terms.Truths(terms.Facts(record)) & bit;
                }

                break;
        }
    }

    // The initiator's column of a counter that is the sum of both sides.
    private static IndexColumn? Counter(string field) => field switch
    {
        "frames" => IndexColumn.InitiatorFrames,
        "bytes" => IndexColumn.InitiatorBytes,
        "payload_bytes" => IndexColumn.InitiatorPayloadBytes,
        "retransmissions" => IndexColumn.InitiatorRetransmissions,
        "out_of_order" => IndexColumn.InitiatorOutOfOrder,
        "duplicate_acks" => IndexColumn.InitiatorDuplicateAcks,
        "zero_windows" => IndexColumn.InitiatorZeroWindows,
        "lost_segments" => IndexColumn.InitiatorLostSegments,
        "keep_alives" => IndexColumn.InitiatorKeepAlives,
        "resets" => IndexColumn.InitiatorResets,
        _ => null,
    };

    // Most segments have no flow with so many of what counts trouble: their bounds say so, and no column is read.
    private static void FillCounter(SegmentIndex index, IndexColumn counter, FilterNode.Flow term, ulong bit, Span<ulong> truths)
    {
        var other = counter + (IndexColumn.ResponderFrames - IndexColumn.InitiatorFrames);
        var isAtLeast = term.Comparison is FieldComparison.Greater or FieldComparison.GreaterOrEqual;
        if (isAtLeast && !FlowTerms.Compare(term, index.Zone(counter).Max + (double)index.Zone(other).Max))
        {
            return;
        }

        FillNumbers(index.Column(counter), index.Column(other), 1, term, bit, truths);

        // What is no TCP has 0 there, and a fact that is not known satisfies nothing.
        if (counter > IndexColumn.InitiatorPayloadBytes && FlowTerms.Compare(term, 0))
        {
            OnlyTcp(index, bit, truths);
        }
    }

    private static void FillNumbers(
        ReadOnlySpan<long> one, ReadOnlySpan<long> other, int sign, FilterNode.Flow term, ulong bit, Span<ulong> truths)
    {
        for (var flow = 1; flow < truths.Length; flow++)
        {
            truths[flow] |= FlowTerms.Compare(term, one[flow] + (sign * (double)other[flow])) ? bit : 0;
        }
    }

    private static void FillRoundTrip(SegmentIndex index, IndexColumn column, FilterNode.Flow term, ulong bit, Span<ulong> truths)
    {
        var values = index.Column(column);
        for (var flow = 1; flow < truths.Length; flow++)
        {
            truths[flow] |= values[flow] > 0 && FlowTerms.Compare(term, (double)values[flow]) ? bit : 0;
        }

        OnlyTcp(index, bit, truths);
    }

    private static void OnlyTcp(SegmentIndex index, ulong bit, Span<ulong> truths)
    {
        var protocols = index.Column(IndexColumn.Protocol);
        for (var flow = 1; flow < truths.Length; flow++)
        {
            truths[flow] &= protocols[flow] == FlowProtocol.Tcp ? ulong.MaxValue : ~bit;
        }
    }

    private static void FillText(ReadOnlySpan<long> values, Func<long, string?> text, FilterNode.Flow term, ulong bit, Span<ulong> truths)
    {
        var answers = new Dictionary<long, bool>();
        for (var flow = 1; flow < truths.Length; flow++)
        {
            if (!answers.TryGetValue(values[flow], out var holds))
            {
                answers.Add(values[flow], holds = FlowTerms.Compare(term, text(values[flow])));
            }

            truths[flow] |= holds ? bit : 0;
        }
    }
}
