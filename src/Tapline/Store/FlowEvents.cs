// Events of a flow by the names that expressions and records use (`event tcp.zero_window`), told from the counts of its record: what
// happened at least once. Pure, no allocation.
namespace Tapline.Store;

/// <summary>Names and counts of the events that a flow's record tells.</summary>
public static class FlowEvents
{
    /// <summary>All names, in the order in which <see cref="CountOf"/> numbers them.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "tcp.retransmission", "tcp.fast_retransmission", "tcp.spurious_retransmission", "tcp.out_of_order", "tcp.duplicate_ack",
        "tcp.lost_segment", "tcp.unseen_ack", "tcp.zero_window", "tcp.zero_window_probe", "tcp.window_full", "tcp.keep_alive",
        "tcp.reset", "icmp.error",
    ];

    /// <summary>True when a text names the event: whole, or without its protocol.</summary>
    public static bool IsNamed(string name, string text)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return name.Equals(text, StringComparison.OrdinalIgnoreCase)
            || name.AsSpan(dot + 1).Equals(text, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>How often the events of that name happened, at both ends together.</summary>
    /// <param name="record">The flow.</param>
    /// <param name="text">A name, or a part of names.</param>
    /// <param name="isPart">Every event counts whose name contains the text.</param>
    public static long Count(in FlowRecord record, string text, bool isPart)
    {
        long count = 0;
        for (var number = 0; number < Names.Count; number++)
        {
            var times = CountOf(number, record);
            if (times > 0 && (isPart ? Names[number].Contains(text, StringComparison.OrdinalIgnoreCase) : IsNamed(Names[number], text)))
            {
                count += times;
            }
        }

        return count;
    }

    private static long CountOf(int number, in FlowRecord record)
    {
        ref readonly var one = ref record.Initiator;
        ref readonly var other = ref record.Responder;
        return number switch
        {
            0 => (long)one.Retransmissions + other.Retransmissions,
            1 => (long)one.FastRetransmissions + other.FastRetransmissions,
            2 => (long)one.SpuriousRetransmissions + other.SpuriousRetransmissions,
            3 => (long)one.OutOfOrder + other.OutOfOrder,
            4 => (long)one.DuplicateAcks + other.DuplicateAcks,
            5 => (long)one.LostSegments + other.LostSegments,
            6 => (long)one.UnseenAcks + other.UnseenAcks,
            7 => (long)one.ZeroWindows + other.ZeroWindows,
            8 => (long)one.ZeroWindowProbes + other.ZeroWindowProbes,
            9 => (long)one.WindowFulls + other.WindowFulls,
            10 => (long)one.KeepAlives + other.KeepAlives,
            11 => (long)one.Resets + other.Resets,
            _ => record.IcmpErrors,
        };
    }
}
