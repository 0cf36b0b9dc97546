// One mirror session's ledger over all workers. Each worker's counters are read field by field; offered is their sum, so
// that the row balances at whatever moment it is taken.
using Tapline.Mirror;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Sums a session's counters. Any thread; allocation-free.</summary>
public static class MirrorTotals
{
    /// <summary>Totals of a session over the instances of all workers.</summary>
    /// <param name="byWorker">The instances.</param>
    /// <param name="id">The session's number.</param>
    /// <param name="busy">What was dropped as busy before it could be offered to an instance.</param>
    internal static MirrorLedgerRecord Sum(MirrorSession[] byWorker, ushort id, long busy = 0)
    {
        var sum = new MirrorLedgerRecord { Session = id, DroppedBusy = busy };
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
            sum.DroppedRateCapped += Volatile.Read(in counters.DroppedRateCapped);
            sum.DroppedShed += Volatile.Read(in counters.DroppedShed);
            sum.Deduplicated += Volatile.Read(in counters.Deduplicated);
            sum.FlowEnded += Volatile.Read(in counters.FlowEnded);
            sum.Masked += Volatile.Read(in counters.Masked);
            sum.Forgotten += Volatile.Read(in counters.Forgotten);
        }

        sum.Offered = sum.Sent + sum.Filtered + sum.SampledOut + Dropped(sum);
        return sum;
    }

    /// <summary>What lies between two readings, for a ledger row.</summary>
    internal static MirrorLedgerRecord Difference(in MirrorLedgerRecord now, in MirrorLedgerRecord before, long timeNs) => new()
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
        DroppedRateCapped = now.DroppedRateCapped - before.DroppedRateCapped,
        DroppedShed = now.DroppedShed - before.DroppedShed,
        Deduplicated = now.Deduplicated - before.Deduplicated,
        FlowEnded = now.FlowEnded - before.FlowEnded,
        Masked = now.Masked - before.Masked,
        Forgotten = now.Forgotten - before.Forgotten,
    };

    /// <summary>Frames that were wanted and did not leave.</summary>
    public static long Dropped(in MirrorLedgerRecord row) =>
        row.DroppedBusy + row.DroppedTooLong + row.DroppedTargetDown + row.DroppedError + row.DroppedRateCapped + row.DroppedShed;
}
