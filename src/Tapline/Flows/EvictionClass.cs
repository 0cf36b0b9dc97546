// When the table is full, some flows are worth less than others.
namespace Tapline.Flows;

/// <summary>Queues from which a full table takes its victims, in this order.</summary>
internal enum EvictionClass : byte
{
    /// <summary>A flow worth keeping: evicted only as the least recently used of a sample.</summary>
    None = 0,

    /// <summary>A SYN that nobody has answered: what a flood is made of.</summary>
    Unanswered = 1,

    /// <summary>Closed or reset: the record is complete but for stragglers.</summary>
    Ended = 2,
}
