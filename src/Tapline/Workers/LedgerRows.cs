// From cumulative counts to one row per point and second, and per mirror session and second. Seconds in which nothing
// happened at a point have no row. Owned by the supervisor's thread.
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Writes ledger rows to a spool; allocation-free after construction.</summary>
internal sealed class LedgerRows(SpoolWriter spool, bool isRecording)
{
    /// <summary>In a row's Worker: the sum of all.</summary>
    public const ushort AllWorkers = 0xffff;

    private readonly PointCounts[] _before = new PointCounts[Limits.PointsMax];
    private readonly long[] _droppedBefore = new long[Limits.PointsMax];
    private readonly MirrorLedgerRecord[] _mirrorsBefore = new MirrorLedgerRecord[Limits.MirrorSessionIdsMax];
    private int _sessionsTold;

    /// <summary>Writes what has happened since the last call as the second that begins at <paramref name="timeNs"/>.</summary>
    public void Write(LedgerView view, RingLosses losses, IReadOnlyList<RunningMirror> mirrors, long timeNs)
    {
        for (var p = 0; p < view.IdsEnd; p++)
        {
            WritePoint((ushort)p, view.Counts(p), losses.Dropped(p), timeNs);
        }

        for (; _sessionsTold < mirrors.Count; _sessionsTold++)
        {
            spool.AddSession(mirrors[_sessionsTold].Info);
        }

        for (var s = 0; s < mirrors.Count; s++)
        {
            var now = mirrors[s].Totals();
            ref var before = ref _mirrorsBefore[now.Session];
            if (now.Offered != before.Offered)
            {
                spool.Write(MirrorTotals.Difference(now, before, timeNs));
                before = now;
            }
        }
    }

    private void WritePoint(ushort point, in PointCounts now, long dropped, long timeNs)
    {
        ref var before = ref _before[point];
        var row = new LedgerRecord
        {
            TimeNs = timeNs,
            Point = point,
            Worker = AllWorkers,
            DroppedRing = dropped - _droppedBefore[point],
            Captured = now.Captured - before.Captured,
            CapturedBytes = now.CapturedBytes - before.CapturedBytes,
            Segments = now.Segments - before.Segments,
            Analysed = now.Analysed - before.Analysed,
            Undecodable = now.Undecodable - before.Undecodable,
            Recorded = now.Recorded - before.Recorded,
            DroppedRecorder = now.DroppedRecorder - before.DroppedRecorder,
        };
        row.Arrived = row.Captured + row.DroppedRing;
        row.FilteredRecorder = isRecording ? row.Captured - row.Recorded - row.DroppedRecorder : 0;
        if ((row.Arrived | row.DroppedRing | row.Recorded | row.DroppedRecorder) != 0)
        {
            spool.Write(row);
            before = now;
            _droppedBefore[point] = dropped;
        }
    }
}
