// The frames of a query as a wire would have carried them: super-frames become their segments and checksums that were left
// to a NIC are completed, by the mirror's own planner and writer. In: frames as recorded. Out: the same to the next sink, each
// wire frame with its super-frame's time. What can't be re-segmented (its bytes were cut) stays as recorded and is counted.
// One thread; two buffers of the largest frame.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Record.Extract;

namespace Tapline.Workers.Offline;

/// <summary>Re-segments what passes.</summary>
public sealed class WireFrames(IExtractSink next) : IExtractSink
{
    // Datagrams that fit an Ethernet frame leave whole.
    private const int UnfragmentedBytesMax = 1514;
    private const FrameFlags Undone = FrameFlags.ChecksumPartial | FrameFlags.ChecksumVerified;
    private readonly List<long> _unitsNs = [];
    private readonly byte[] _frame = new byte[Limits.FrameBytesMax];
    private readonly byte[] _block = new byte[Limits.FileRecordBytesMax];

    /// <summary>Super-frames and unfinished checksums that stayed as recorded.</summary>
    public long LeftAsRecorded { get; private set; }

    /// <summary>Wire frames that were made.</summary>
    public long Made { get; private set; }

    public void Begin(ExtractPlan plan) => next.Begin(plan);

    public void AddPoint(ExtractPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        _unitsNs.Add(point.UnitNs);
        next.AddPoint(point);
    }

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
    {
        if (!IsUnfinished(meta))
        {
            next.Take(meta, block, frame);
            return;
        }

        FrameDecoder.Decode(frame, meta, out var layout);
        if (!TryTake(meta, layout, frame, SliceCut.Of(int.MaxValue)))
        {
            CountLeft();
            next.Take(meta, block, frame);
        }
    }

    public void Rest() => next.Rest();

    /// <summary>True for super-frames and for checksums that were left to a NIC.</summary>
    internal static bool IsUnfinished(in FrameMeta meta) =>
        meta.GsoType != GsoType.None || (meta.Flags & FrameFlags.ChecksumPartial) != 0;

    /// <summary>Passes on the wire frames of a frame, as much of each as the cut keeps; false when it can't be re-segmented.</summary>
    internal bool TryTake(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, SliceCut cut)
    {
        if (!WirePlanner.TryPlan(meta, layout, frame, UnfragmentedBytesMax, out var plan) || plan.LongestBytes > _frame.Length)
        {
            return false;
        }

        cut.ShiftHeaders(plan.HeaderShift(frame));
        for (var i = 0; i < plan.Count; i++)
        {
            var length = WireWriter.Write(plan, frame, i, _frame);
            var keep = Math.Min(length, cut.Keep(i, plan.SegmentBytes));
            var wire = meta with
            {
                CapturedLength = keep, OriginalLength = length, GsoType = GsoType.None, GsoSize = 0, GsoHeaderLength = 0,
                ChecksumStart = 0, ChecksumOffset = 0, Flags = meta.Flags & ~Undone,
            };
            var stamped = wire with { TimestampNs = meta.TimestampNs / _unitsNs[meta.PointId] };
            var bytes = PcapngWriter.WritePacket(_block, meta.PointId, stamped, _frame.AsSpan(0, keep));
            next.Take(wire, _block.AsSpan(0, bytes), _frame.AsSpan(0, keep));
            Made++;
        }

        return true;
    }

    /// <summary>A frame stays as recorded that should not.</summary>
    internal void CountLeft() => LeftAsRecorded++;
}
