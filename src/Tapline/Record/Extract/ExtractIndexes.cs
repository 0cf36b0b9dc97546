// The indexes of a query's segments: opened, asked and closed one at a time. An index that is missing or damaged costs time,
// never an answer: its segment is read whole. Only terms of flows can't do without; then it is made, or the segment is named
// as a hole. One thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Chooses packets by indexes.</summary>
internal sealed class ExtractIndexes(ExtractPlan plan, ExtractOptions options)
{
    private readonly FlowWholes _wholes = new(options.Filter.Terms);

    /// <summary>Collects what terms of flows need over all segments; a sentence where that is more than is kept.</summary>
    public string? Prepare(CancellationToken stop)
    {
        if (!options.Filter.AsksFlows)
        {
            return null;
        }

        // By their ends: of two classes that both have frames of a flow, the later index knows more of it.
        foreach (var segment in plan.Segments.OrderBy(s => s.LatestNs))
        {
            if (stop.IsCancellationRequested)
            {
                break;
            }

            try
            {
                using var index = Open(segment);
                if (index is not null)
                {
                    _wholes.Take(index);
                }
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                // Told when its packets are chosen.
            }
        }

        _wholes.Finish();
        return _wholes.IsFull
            ? "The window has more flows than a query keeps: those beyond are judged by one segment each; ask for a shorter window."
            : null;
    }

    /// <summary>What of a segment has to be read. False with a sentence when it can't be judged at all.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="choice">The packets; null = all.</param>
    /// <param name="hole">Why it can't.</param>
    public bool TryChoose(ExtractSegment segment, out PacketChoice? choice, out string? hole)
    {
        choice = null;
        hole = null;
        if (!options.Filter.AsksFlows && (options.Filter.IsEverything || !options.UseIndex))
        {
            return true;
        }

        try
        {
            using var index = Open(segment);
            if (index is not null)
            {
                choice = PacketChoice.Make(index, options, _wholes);
                return true;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            hole = e.Message;
        }

        if (!options.Filter.AsksFlows)
        {
            hole = null;
            return true;
        }

        hole = segment.IsHidden
            ? $"Segment {segment.File} is under way and has no index yet: facts of its flows are not known, and it was left out."
            : $"Segment {segment.File} has no sound index: facts of its flows are not known, and it was left out. {hole}".TrimEnd();
        return false;
    }

    private SegmentIndex? Open(ExtractSegment segment)
    {
        if (segment.IsHidden)
        {
            return null;
        }

        var path = SegmentIndex.PathOf(segment.Path);
        var index = SegmentIndex.Open(path, segment.Bytes, out _);
        return index is null && options.Filter.AsksFlows && options.MakeIndex is { } make && make(segment.Path)
            ? SegmentIndex.Open(path, segment.Bytes, out _)
            : index;
    }
}
