// The frames of a query as flows, by the same table that follows live ones. In: frames in the order of time. Out: records,
// each once its flow has ended or the query has. One thread; native memory of the table and the records.
using Tapline.Base;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Record.Extract;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Follows the flows of a query's answer.</summary>
public sealed class ExtractFlows : IExtractSink, IDisposable
{
    private readonly FlowTally _tally = new(keepRecords: true);
    private readonly OfflineTally _frames = new(false);
    private readonly FlowTable<FlowTally> _flows;
    private readonly List<FileInterface> _points = [];

    public ExtractFlows()
    {
        _flows = new FlowTable<FlowTally>(
            FlowTableOptions.Offline with
            {
                Capacity = Limits.OfflineFlowsDefault,
                FragmentCapacity = Limits.OfflineFragmentedPackets,
            },
            _tally);
    }

    public void Begin(ExtractPlan plan)
    {
    }

    public void AddPoint(ExtractPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        _points.Add(new FileInterface
        {
            PointId = point.Id, Name = point.Name, LinkType = point.LinkType, SnapLength = 0, TicksPerSecond = 1_000_000_000,
        });
    }

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
    {
        FrameDecoder.Decode(frame, meta, out var layout);
        _frames.Count(meta, layout);
        _flows.Observe(meta, layout, frame);
    }

    public void Rest()
    {
    }

    /// <summary>Ends all flows. The result is the caller's to dispose.</summary>
    public OfflineResult End(ExtractReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        _flows.Flush(FlowEndReason.EndOfInput);
        return new OfflineResult
        {
            Files = report.SegmentsRead,
            Tally = _frames,
            Flows = _tally,
            FlowCounters = _flows.Counters,
            Points = _points,
            Faults = [],
        };
    }

    public void Dispose() => _flows.Dispose();
}
