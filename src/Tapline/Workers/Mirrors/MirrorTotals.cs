// One mirror session's ledger over all workers. Each worker's counters are read field by field; offered is their sum, so
// that the row balances at whatever moment it is taken.
using Tapline.Mirror;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Sums a session's counters. Any thread; allocation-free.</summary>
internal static class MirrorTotals
{
    /// <summary>Totals of a session over the instances of all workers.</summary>
    public static MirrorLedgerRecord Sum(MirrorSession[] byWorker, ushort id)
    {
        var sum = new MirrorLedgerRecord { Session = id };
        foreach (var session in byWorker)
        {
            ref readonly var counters = ref session.Counters;
            sum.Sent += Volatile.Read(in counters.Sent);
            sum.SentWireFrames += Volatile.Read(in counters.SentWireFrames);
            sum.SentBytes += Volatile.Read(in counters.SentBytes);
            sum.Filtered += Volatile.Read(in counters.Filtered);
            sum.SampledOut += Volatile.Read(in counters.SampledOut);
            sum.DroppedBusy += Volatile.Read(in counters.DroppedBusy);
            sum.DroppedTooLong += Volatile.Read(in counters.DroppedTooLong);
            sum.DroppedTargetDown += Volatile.Read(in counters.DroppedTargetDown);
            sum.DroppedError += Volatile.Read(in counters.DroppedError);
        }

        sum.Offered = sum.Sent + sum.Filtered + sum.SampledOut + Dropped(sum);
        return sum;
    }

    /// <summary>What lies between two readings, for a ledger row.</summary>
    public static MirrorLedgerRecord Difference(in MirrorLedgerRecord now, in MirrorLedgerRecord before, long timeNs) => new()
    {
        TimeNs = timeNs,
        Session = now.Session,
        Worker = LedgerRows.AllWorkers,
        Offered = now.Offered - before.Offered,
        Sent = now.Sent - before.Sent,
        SentWireFrames = now.SentWireFrames - before.SentWireFrames,
        SentBytes = now.SentBytes - before.SentBytes,
        Filtered = now.Filtered - before.Filtered,
        SampledOut = now.SampledOut - before.SampledOut,
        DroppedBusy = now.DroppedBusy - before.DroppedBusy,
        DroppedTooLong = now.DroppedTooLong - before.DroppedTooLong,
        DroppedTargetDown = now.DroppedTargetDown - before.DroppedTargetDown,
        DroppedError = now.DroppedError - before.DroppedError,
    };

    public static long Dropped(in MirrorLedgerRecord row) =>
        row.DroppedBusy + row.DroppedTooLong + row.DroppedTargetDown + row.DroppedError;
}
