// The frames of a query as a wire would have carried them: super-frames become their segments and checksums that were left
// to a NIC are completed, by the mirror's own planner and writer. In: frames as recorded. Out: the same to the next sink, each
// wire frame with its super-frame's time. What can't be re-segmented (its bytes were cut) stays as recorded and is counted.
// One thread; two buffers of the largest frame.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
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
        if (meta.GsoType == GsoType.None && (meta.Flags & FrameFlags.ChecksumPartial) == 0)
        {
            next.Take(meta, block, frame);
            return;
        }

        FrameDecoder.Decode(frame, meta, out var layout);
        if (!WirePlanner.TryPlan(meta, layout, frame, UnfragmentedBytesMax, out var plan) || plan.LongestBytes > _frame.Length)
        {
            LeftAsRecorded++;
            next.Take(meta, block, frame);
            return;
        }

        for (var i = 0; i < plan.Count; i++)
        {
            var length = WireWriter.Write(plan, frame, i, _frame);
            var wire = meta with
            {
                CapturedLength = length, OriginalLength = length, GsoType = GsoType.None, GsoSize = 0, GsoHeaderLength = 0,
                ChecksumStart = 0, ChecksumOffset = 0, Flags = meta.Flags & ~Undone,
            };
            var stamped = wire with { TimestampNs = meta.TimestampNs / _unitsNs[meta.PointId] };
            var bytes = PcapngWriter.WritePacket(_block, meta.PointId, stamped, _frame.AsSpan(0, length));
            next.Take(wire, _block.AsSpan(0, bytes), _frame.AsSpan(0, length));
            Made++;
        }
    }

    public void Rest() => next.Rest();
}
