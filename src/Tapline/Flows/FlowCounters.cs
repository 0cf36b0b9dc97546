// What a flow table has done: plain adds by its worker, read by the snapshot on the same thread.
namespace Tapline.Flows;

/// <summary>Totals since start; all but <see cref="Active"/> only grow.</summary>
public struct FlowCounters
{
    /// <summary>Frames given to the table.</summary>
    public long Frames;

    /// <summary>Frames that belong to no flow: their link type has no decoder.</summary>
    public long FramesWithoutFlow;

    public long Created;

    /// <summary>Flows in the table now.</summary>
    public long Active;

    public long RecordsWritten;

    /// <summary>Flows ended early for want of room: unanswered SYNs, ended connections, least recently used others.</summary>
    public long EvictedUnanswered;

    public long EvictedEnded;
    public long EvictedActive;

    /// <summary>Of the evicted: because both buckets of the index were full, not the table.</summary>
    public long EvictedByIndex;

    /// <summary>Fragments seen; of them: put to the flow of their first fragment; put to a flow without ports.</summary>
    public long Fragments;

    public long FragmentsAssigned;
    public long FragmentsWithoutPorts;

    /// <summary>Fragmented packets forgotten early for want of room in the cache.</summary>
    public long FragmentsEvicted;

    /// <summary>ICMP errors whose quoted packet belongs to a flow in the table.</summary>
    public long IcmpErrorsMatched;

    /// <summary>Flows of which one direction is tagged and the other is not.</summary>
    public long VlanAsymmetries;

    /// <summary>Flows whose directions carry different VNIs.</summary>
    public long VniAsymmetries;

    /// <summary>Flows ended early, for whatever lack of room.</summary>
    public readonly long Evicted => EvictedUnanswered + EvictedEnded + EvictedActive;
}
