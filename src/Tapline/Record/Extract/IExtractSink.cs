// Where the frames of a query go: a pcapng stream, a count, a flow table.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>Takes the frames of a query, one thread.</summary>
public interface IExtractSink
{
    /// <summary>The plan stands: which segments, what they lack. Before anything else.</summary>
    void Begin(ExtractPlan plan);

    /// <summary>A point whose frames follow. Points are numbered from 0 in this order.</summary>
    void AddPoint(ExtractPoint point);

    /// <summary>A frame. Its point is the number of <see cref="AddPoint"/>; all spans are borrowed for the call.</summary>
    /// <param name="meta">What the recording says of it.</param>
    /// <param name="block">Its packet block as recorded.</param>
    /// <param name="frame">Its bytes, a part of the block.</param>
    void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame);

    /// <summary>Nothing follows for the moment: what has been taken may go out.</summary>
    void Rest();
}
