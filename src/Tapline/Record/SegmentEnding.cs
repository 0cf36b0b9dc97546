// The last blocks of a segment: statistics of each interface as every tool reads them, then the ledger. Written into the
// worker's buffer at rotation, once a minute or so. No allocation.
using Tapline.Base;
using Tapline.Record.Io;

namespace Tapline.Record;

/// <summary>Writes interface statistics and ledger of a window. One thread.</summary>
internal static class SegmentEnding
{
    private const int StatisticsOptionsBytes = 7 * 12;
    private const int StatisticsBytes = 20 + StatisticsOptionsBytes + 4 + 4;

    /// <summary>Room that the ending of so many points needs at most, without interfaces still to be described.</summary>
    /// <param name="points">Points that have anything to tell.</param>
    /// <param name="places">Interfaces and lists of machines that the segment has.</param>
    public static int Bytes(int points, int places) =>
        (points * StatisticsBytes) + PlacesBlock.Bytes(points + places) + LedgerBlock.BlockBytes(points);

    /// <summary>Writes the ending into at least <see cref="Bytes"/> of room; returns its length.</summary>
    public static int Write(
        Span<byte> target, RecorderPoints points, SegmentWriter writer, int worker, long startNs, long endNs, long offset)
    {
        var length = DescribeMissing(target, points, offset);
        var count = points.Touched.Length;
        foreach (var point in points.Touched)
        {
            var row = Settle(points, writer, point);
            if (points[point].Interface >= 0)
            {
                length += WriteStatistics(target[length..], row, startNs, endNs);
            }
        }

        if (!points.Places.IsEmpty)
        {
            length += PlacesBlock.Write(target[length..], points.Places);
        }

        var ledger = target[length..];
        LedgerBlock.Begin(ledger, count, 0, worker, startNs, endNs);
        for (var index = 0; index < count; index++)
        {
            var point = points.Touched[index];
            LedgerBlock.WriteRow(ledger, index, Row(points[point], point));
            ref var entry = ref points[point];
            entry.LostBefore += entry.LostInWindow;
        }

        return length + LedgerBlock.Finish(ledger, count);
    }

    // Points of which only losses or filtered frames are to be told get their interface here, as far as there is room.
    private static int DescribeMissing(Span<byte> target, RecorderPoints points, long offset)
    {
        var length = 0;
        var room = target.Length - Bytes(points.Touched.Length, points.Places.Length);
        foreach (var point in points.Touched)
        {
            if (points[point].Interface < 0 && length + points.InterfaceBytes(point) <= room
                && points.Interfaces < Limits.SegmentInterfacesMax)
            {
                length += points.WriteInterface(target[length..], point, LinkType.Ethernet, offset + length);
            }
        }

        return length;
    }

    // The writer's losses are read once, so that statistics and ledger say the same.
    private static LedgerBlockRow Settle(RecorderPoints points, SegmentWriter writer, ushort point)
    {
        ref var entry = ref points[point];
        entry.LostInWindow = writer.LostOf(point) - entry.LostBefore;
        return Row(entry, point);
    }

    private static LedgerBlockRow Row(in RecorderPoint entry, ushort point)
    {
        var dropped = entry.Dropped + entry.LostInWindow;
        var captured = entry.Recorded + entry.Filtered + entry.OtherClass + dropped;
        var droppedRing = entry.RingDrops - entry.RingDropsBefore;
        return new LedgerBlockRow
        {
            Point = point,
            Interface = (uint)entry.Interface,
            Arrived = captured + droppedRing,
            DroppedRing = droppedRing,
            Captured = captured,
            Recorded = entry.Recorded,
            Filtered = entry.Filtered,
            DroppedRecorder = dropped,
            RecordedBytes = entry.RecordedBytes,
            Cut = entry.Cut,
            OtherClass = entry.OtherClass,
            Sliced = entry.Sliced,
        };
    }

    private static int WriteStatistics(Span<byte> target, in LedgerBlockRow row, long startNs, long endNs)
    {
        Span<byte> options = stackalloc byte[StatisticsOptionsBytes];
        var at = PcapngWriter.WriteOption(options, 2, SwapHalves(startNs)); // isb_starttime
        at += PcapngWriter.WriteOption(options[at..], 3, SwapHalves(endNs)); // isb_endtime
        at += PcapngWriter.WriteOption(options[at..], 4, row.Arrived); // isb_ifrecv
        at += PcapngWriter.WriteOption(options[at..], 5, row.DroppedRing + row.DroppedRecorder); // isb_ifdrop: all losses
        at += PcapngWriter.WriteOption(options[at..], 6, row.Recorded + row.DroppedRecorder); // isb_filteraccept
        at += PcapngWriter.WriteOption(options[at..], 7, row.DroppedRing); // isb_osdrop
        at += PcapngWriter.WriteOption(options[at..], 8, row.Recorded); // isb_usrdeliv
        Invariant.Check(at == StatisticsOptionsBytes);
        return PcapngWriter.WriteStatistics(target, row.Interface, endNs, options);
    }

    // Times in options are two 32-bit halves, the upper one first, unlike the other 64-bit numbers.
    private static long SwapHalves(long value) => (long)System.Numerics.BitOperations.RotateLeft((ulong)value, 32);
}
