// Turns our records and tshark's rows into conversations of the same shape.
using Tapline.Store;

namespace Tapline.Tests.CorpusProof;

/// <summary>Builds lists of conversations.</summary>
internal static class ConversationLists
{
    /// <summary>Columns of tcp_health.tsv and where our records hold the same.</summary>
    public static readonly (string Column, Func<DirectionCounts, long> Ours)[] HealthColumns =
    [
        ("payload_bytes", c => c.PayloadBytes),
        ("retransmission", c => c.Retransmissions),
        ("fast_retransmission", c => c.FastRetransmissions),
        ("spurious_retransmission", c => c.SpuriousRetransmissions),
        ("out_of_order", c => c.OutOfOrder),
        ("lost_segment", c => c.LostSegments),
        ("ack_lost_segment", c => c.UnseenAcks),
        ("zero_window", c => c.ZeroWindows),
        ("zero_window_probe", c => c.ZeroWindowProbes),
        ("window_full", c => c.WindowFulls),
        ("window_update", c => c.WindowUpdates),
        ("duplicate_ack", c => c.DuplicateAcks),
        ("keep_alive", c => c.KeepAlives),
        ("fin", c => c.Fins),
        ("rst", c => c.Resets),
        ("syn+synack", c => c.Syns),
    ];

    public static List<Conversation> Ours(CorpusReplay replay, ushort protocol)
    {
        var list = new List<Conversation>();
        foreach (var record in replay.Records.Where(r => r.Protocol == protocol))
        {
            var initiator = new Endpoint(record.InitiatorIp, record.InitiatorPort);
            var responder = new Endpoint(record.ResponderIp, record.ResponderPort);
            var isOrdered = initiator.CompareTo(responder) <= 0;
            var a = isOrdered ? record.Initiator : record.Responder;
            var b = isOrdered ? record.Responder : record.Initiator;
            var conversation = new Conversation(isOrdered ? initiator : responder, isOrdered ? responder : initiator)
            {
                StartNs = record.StartNs,
                FramesA = a.Frames,
                FramesB = b.Frames,
                BytesA = a.Bytes,
                BytesB = b.Bytes,
                InitialRttNs = record.HandshakeRttNs == 0 ? -1 : record.HandshakeRttNs,
            };
            foreach (var (column, ours) in HealthColumns)
            {
                conversation.Health[column] = (ours(a), ours(b));
            }

            if (replay.NotCounted.TryGetValue(record.FlowId, out var less))
            {
                conversation.FramesA -= isOrdered ? less.FramesA : less.FramesB;
                conversation.FramesB -= isOrdered ? less.FramesB : less.FramesA;
                conversation.BytesA -= isOrdered ? less.BytesA : less.BytesB;
                conversation.BytesB -= isOrdered ? less.BytesB : less.BytesA;
            }

            if (conversation.FramesA + conversation.FramesB > 0)
            {
                list.Add(conversation);
            }
        }

        if (protocol == FlowProtocol.Udp)
        {
            foreach (var carrier in replay.Carriers.Values)
            {
                var same = list.Find(c => c.Pair == carrier.Pair);
                if (same is null)
                {
                    list.Add(carrier);
                }
                else
                {
                    same.Merge(carrier);
                    same.Merged--;
                }
            }
        }

        return list;
    }

    public static List<Conversation> Theirs(Truth conversations, Truth? health, string file)
    {
        var list = new List<Conversation>();
        var healthRows = health?.Of(file).ToList();
        foreach (var row in conversations.Of(file))
        {
            var from = Endpoint.Parse(conversations.Text(row, "a_addr"), conversations.Text(row, "a_port"));
            var to = Endpoint.Parse(conversations.Text(row, "b_addr"), conversations.Text(row, "b_port"));
            var isOrdered = from.CompareTo(to) <= 0;
            long Side(string first, string second) => conversations.Number(row, isOrdered ? first : second);
            list.Add(new Conversation(isOrdered ? from : to, isOrdered ? to : from)
            {
                StartNs = conversations.Nanoseconds(row, "rel_start"),
                FramesA = Side("frames_a2b", "frames_b2a"),
                FramesB = Side("frames_b2a", "frames_a2b"),
                BytesA = Side("bytes_a2b", "bytes_b2a"),
                BytesB = Side("bytes_b2a", "bytes_a2b"),
            });
        }

        if (healthRows is not null)
        {
            AddHealth(list, health!, healthRows);
        }

        return list;
    }

    private static void AddHealth(List<Conversation> list, Truth health, List<string[]> rows)
    {
        foreach (var group in rows.GroupBy(row => PairOf(health, row)))
        {
            var mine = list.Where(c => c.Pair == group.Key).OrderBy(c => c.StartNs).ToList();
            foreach (var (row, conversation) in group.OrderBy(r => health.Nanoseconds(r, "rel_first")).Zip(mine))
            {
                var from = Endpoint.Parse(health.Text(row, "a_addr"), health.Text(row, "a_port"));
                var isOrdered = from == conversation.A;
                foreach (var (column, _) in HealthColumns)
                {
                    long Sum(string side) => column.Split('+').Sum(name => health.Number(row, $"{name}_{side}"));
                    conversation.Health[column] = isOrdered ? (Sum("a2b"), Sum("b2a")) : (Sum("b2a"), Sum("a2b"));
                }

                const int handshake = 7;
                conversation.InitialRttNs = (health.Number(row, "completeness") & handshake) == handshake
                    ? health.Nanoseconds(row, "initial_rtt")
                    : -1;
            }
        }
    }

    private static (Endpoint, Endpoint) PairOf(Truth health, string[] row)
    {
        var from = Endpoint.Parse(health.Text(row, "a_addr"), health.Text(row, "a_port"));
        var to = Endpoint.Parse(health.Text(row, "b_addr"), health.Text(row, "b_port"));
        return from.CompareTo(to) <= 0 ? (from, to) : (to, from);
    }
}
