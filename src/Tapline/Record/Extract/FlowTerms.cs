// The terms of an expression that ask for facts of a flow: found in the tree, answered from the index's record of the flow. A
// fact that is not known (no handshake seen, no TCP) satisfies no comparison. Truths are a bit for each term. Pure.
using Tapline.Filter;
using Tapline.Filter.Tree;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>The flow terms of one expression.</summary>
internal sealed class FlowTerms
{
    /// <summary>Terms that one expression can have.</summary>
    public const int TermsMax = 64;

    private const string Event = "event";

    private static readonly HashSet<string> s_answered =
    [
        "app", "state", "end_reason", "event", "community_id", "retransmissions", "out_of_order", "duplicate_acks", "zero_windows",
        "lost_segments", "keep_alives", "resets", "frames", "bytes", "payload_bytes", "duration", "handshake_rtt", "client_rtt",
        "server_rtt",
    ];

    private readonly List<FilterNode.Flow> _terms = [];

    public int Count => _terms.Count;

    /// <summary>False when no term holds for a row whose counts are 0, as those of loose fragments are, though packets of no flow are to
    /// satisfy none.</summary>
    public bool MayHoldForLoose { get; private set; }

    public FilterNode.Flow this[int number] => _terms[number];

    /// <summary>Collects the terms of a tree; null with one sentence when one of them can't be answered.</summary>
    public static FlowTerms? Find(FilterNode? root, out string? error)
    {
        var terms = new FlowTerms();
        error = null;
        if (root is not null)
        {
            TreeWalk.Visit(root, node =>
            {
                if (node is FilterNode.Flow flow)
                {
                    terms._terms.Add(flow);
                }
            });
        }

        terms.MayHoldForLoose = terms._terms.Exists(
            t => t.Field.Name is "duration" or "community_id" || (IsNumber(t) && Compare(t, 0)));
        if (terms._terms.Find(t => !s_answered.Contains(t.Field.Name)) is { } unknown)
        {
            error = $"recordings know no `{unknown.Field.Name}` yet (column {unknown.Column + 1}); they know "
                + string.Join(", ", s_answered.Order(StringComparer.Ordinal)) + ".";
            return null;
        }

        if (terms._terms.Find(IsUnknownEvent) is { } noEvent)
        {
            error = $"there is no event `{FilterMistake.Printable(noEvent.Text)}` (column {noEvent.Column + 1}); there are "
                + string.Join(", ", FlowEvents.Names) + ".";
            return null;
        }

        if (terms.Count > TermsMax)
        {
            error = $"the expression has more than {TermsMax} terms of flows; ask in two queries.";
            return null;
        }

        return terms;
    }

    /// <summary>The term's bit.</summary>
    public ulong BitOf(FilterNode.Flow term) => 1UL << _terms.FindIndex(t => ReferenceEquals(t, term));

    /// <summary>Facts of a record: what <see cref="Truths"/> judges.</summary>
    public FlowFacts Facts(in FlowRecord record)
    {
        var facts = new FlowFacts
        {
            StartNs = record.StartNs, EndNs = record.EndNs, Part = record.Part, Numbers = new double[_terms.Count],
        };
        for (var i = 0; i < _terms.Count; i++)
        {
            var term = _terms[i];
            if (IsNumber(term))
            {
                facts.Numbers[i] = Number(term, record);
            }
            else if (Compare(term, Text(term.Field.Name, record)))
            {
                facts.Texts |= 1UL << i;
            }
        }

        return facts;
    }

    /// <summary>Which terms hold.</summary>
    public ulong Truths(FlowFacts facts)
    {
        var truths = facts.Texts;
        for (var i = 0; i < _terms.Count; i++)
        {
            if (IsNumber(_terms[i]) && Compare(_terms[i], facts.Numbers[i]))
            {
                truths |= 1UL << i;
            }
        }

        return truths;
    }

    /// <summary>True when a term asks for a text of that name.</summary>
    public bool AsksText(string field) => _terms.Exists(t => t.Field.Name == field);

    /// <summary>Takes a later part of the same flow in: counters add up, the state is the later one's.</summary>
    public void Join(FlowFacts whole, FlowFacts part)
    {
        whole.StartNs = Math.Min(whole.StartNs, part.StartNs);
        whole.EndNs = Math.Max(whole.EndNs, part.EndNs);
        for (var i = 0; i < _terms.Count; i++)
        {
            whole.Numbers[i] = _terms[i].Field.Name switch
            {
                "duration" => whole.EndNs - whole.StartNs,
                _ when double.IsNaN(whole.Numbers[i]) => part.Numbers[i],
                _ when double.IsNaN(part.Numbers[i]) => whole.Numbers[i],
                "handshake_rtt" or "client_rtt" or "server_rtt" => Math.Max(whole.Numbers[i], part.Numbers[i]),
                _ => whole.Numbers[i] + part.Numbers[i],
            };
        }

        whole.Texts = part.Part >= whole.Part ? part.Texts : whole.Texts;
        whole.Part = Math.Max(whole.Part, part.Part);
    }

    /// <summary>True for terms that are judged by a number: events are, by how often they happened.</summary>
    public static bool IsNumber(FilterNode.Flow term) => term.Field.Kind != FieldKind.Text || term.Field.Name == Event;

    /// <summary>What a record says of a term's field; not a number = not known. No allocation.</summary>
    public static double Number(FilterNode.Flow term, in FlowRecord record)
    {
        var field = term.Field.Name;
        if (field == Event)
        {
            return FlowEvents.Count(record, term.Text, term.Comparison == FieldComparison.Contains);
        }

        ref readonly var one = ref record.Initiator;
        ref readonly var other = ref record.Responder;
        var isTcp = record.Protocol == FlowProtocol.Tcp;
        return field switch
        {
            "frames" => one.Frames + (double)other.Frames,
            "bytes" => one.Bytes + (double)other.Bytes,
            "payload_bytes" => one.PayloadBytes + (double)other.PayloadBytes,
            "duration" => record.EndNs - record.StartNs,
            _ when !isTcp => double.NaN,
            "retransmissions" => one.Retransmissions + (double)other.Retransmissions,
            "out_of_order" => one.OutOfOrder + (double)other.OutOfOrder,
            "duplicate_acks" => one.DuplicateAcks + (double)other.DuplicateAcks,
            "zero_windows" => one.ZeroWindows + (double)other.ZeroWindows,
            "lost_segments" => one.LostSegments + (double)other.LostSegments,
            "keep_alives" => one.KeepAlives + (double)other.KeepAlives,
            "resets" => one.Resets + (double)other.Resets,
            "handshake_rtt" => Known(record.HandshakeRttNs),
            "client_rtt" => Known(record.ClientRttNs),
            "server_rtt" => Known(record.ServerRttNs),
            _ => double.NaN,
        };
    }

    private static double Known(long ns) => ns > 0 ? ns : double.NaN;

    private static bool IsUnknownEvent(FilterNode.Flow term) => term.Field.Name == Event
        && !FlowEvents.Names.Any(name => term.Comparison == FieldComparison.Contains
            ? name.Contains(term.Text, StringComparison.OrdinalIgnoreCase) : FlowEvents.IsNamed(name, term.Text));

    /// <summary>The same of a text; null = not known. Allocates for `community_id` alone.</summary>
    public static string? Text(string field, in FlowRecord record) => field switch
    {
        "app" => AppNames.Find(record.AppId),
        "state" => record.State == FlowState.None ? null : FlowJsonText.StateName(record.State),
        "end_reason" => record.EndReason == FlowEndReason.None ? null : FlowJsonText.ReasonName(record.EndReason),
        "community_id" => CommunityId.ToText(record),
        _ => null,
    };

    /// <summary>True when the term holds for a text; null = not known.</summary>
    public static bool Compare(FilterNode.Flow term, string? value) => value is not null && term.Comparison switch
    {
        FieldComparison.Equal => string.Equals(value, term.Text, StringComparison.OrdinalIgnoreCase),
        FieldComparison.NotEqual => !string.Equals(value, term.Text, StringComparison.OrdinalIgnoreCase),
        _ => value.Contains(term.Text, StringComparison.OrdinalIgnoreCase),
    };

    /// <summary>True when the term holds for a number; not a number = not known.</summary>
    public static bool Compare(FilterNode.Flow term, double value) => !double.IsNaN(value) && term.Comparison switch
    {
        _ when term.Field.Kind == FieldKind.Text => value > 0 == (term.Comparison != FieldComparison.NotEqual),
        FieldComparison.Equal => value == term.Number,
        FieldComparison.NotEqual => value != term.Number,
        FieldComparison.Greater => value > term.Number,
        FieldComparison.GreaterOrEqual => value >= term.Number,
        FieldComparison.Less => value < term.Number,
        _ => value <= term.Number,
    };
}
