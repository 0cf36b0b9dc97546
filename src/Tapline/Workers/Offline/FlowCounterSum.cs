// Flow tables of several workers as one.
using Tapline.Flows;

namespace Tapline.Workers.Offline;

/// <summary>Adds flow counters.</summary>
internal static class FlowCounterSum
{
    public static void Add(ref FlowCounters sum, in FlowCounters other)
    {
        sum.Frames += other.Frames;
        sum.FramesWithoutFlow += other.FramesWithoutFlow;
        sum.Created += other.Created;
        sum.Active += other.Active;
        sum.RecordsWritten += other.RecordsWritten;
        sum.EvictedUnanswered += other.EvictedUnanswered;
        sum.EvictedEnded += other.EvictedEnded;
        sum.EvictedActive += other.EvictedActive;
        sum.EvictedByIndex += other.EvictedByIndex;
        sum.Fragments += other.Fragments;
        sum.FragmentsAssigned += other.FragmentsAssigned;
        sum.FragmentsWithoutPorts += other.FragmentsWithoutPorts;
        sum.FragmentsEvicted += other.FragmentsEvicted;
        sum.IcmpErrorsMatched += other.IcmpErrorsMatched;
        sum.VlanAsymmetries += other.VlanAsymmetries;
        sum.VniAsymmetries += other.VniAsymmetries;
    }
}
