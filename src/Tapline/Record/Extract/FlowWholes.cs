// A flow that spans segments is judged on its whole: the counters in each live index go back to the flow's beginning, so the last index
// that has it knows all of it, and parts of a long flow add up. Most flows lie in one segment and need nothing of this: flow ids
// rise, so one that may have begun in an earlier segment of its worker's run has an id that an earlier index's bounds cover. Only
// those are collected, and of them only which terms hold; facts are read for flows in parts alone. Each index is looked at once,
// the latest first. Bounded: flows beyond the limit are judged by what their own segment knows. Methods say which thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Facts of flows over all segments of a query.</summary>
internal sealed class FlowWholes(FlowTerms terms, int segments)
{
    private const int FlowsMax = 2 << 20;
    private readonly IndexColumn[]? _columns = TermTruths.Columns(terms);
    private readonly Dictionary<(string Import, int Worker), WorkerRun> _workers = [];
    private readonly Place[] _places = new Place[segments];
    private readonly (int Flow, ulong Id)[]?[] _spanning = new (int, ulong)[segments][];
    private readonly Dictionary<(WorkerRun Run, ulong FlowId), FlowParts> _parts = [];
    private readonly List<(int Flow, ulong Id)> _found = [];
    private readonly List<int> _foundParts = [];
    private int _flows;

    /// <summary>True when there were more flows than are kept.</summary>
    public bool IsFull { get; private set; }

    /// <summary>First pass, in order of their ends, by one thread: tells the segment's run and which of its flows may not be its
    /// alone. All classes of a recording have one worker's flows; each import has its own.</summary>
    public void Begin(int segment, SegmentIndex index, ExtractSegment of)
    {
        if (index.Header.Origin != IndexOrigin.Live)
        {
            return; // its flow ids mean nothing elsewhere
        }

        var header = index.Header;
        var key = (RecordingFolders.IsImport(of.Folder) ? of.Class : "", header.Worker);
        if (!_workers.TryGetValue(key, out var worker) || worker.IsBefore(of, header.Sequence))
        {
            _workers[key] = worker = new WorkerRun();
        }

        var ids = index.Zone(IndexColumn.FlowId);
        var hasParts = index.Zone(IndexColumn.Part).Max > 0;
        _places[segment] = new Place(worker, worker.Highest, hasParts);
        worker.Take(of, header.Sequence, (ulong)ids.Max);
    }

    /// <summary>What the segment's index says of its flows. Any thread, when all were begun.</summary>
    public FlowsSeen? Look(int segment, SegmentIndex index)
    {
        if (_places[segment] is not { Run: not null } place)
        {
            return null;
        }

        index.WillNeed(_columns);
        return FlowsSeen.Of(index, terms, place.HasParts);
    }

    /// <summary>
    /// Second pass, from the latest end to the earliest, by one thread: a segment's flows that may not be its alone are those
    /// that may have begun before, and those that a later segment had. What was said of one first is the latest word. True when
    /// the index is wanted once more, by <see cref="TakeParts"/>; hardly ever.
    /// </summary>
    /// <param name="segment">The segment.</param>
    /// <param name="seen">What its index says; disposed here.</param>
    public bool Take(int segment, FlowsSeen seen)
    {
        var (run, highest, _) = _places[segment];
        foreach (var flow in seen.Parts.Keys)
        {
            Collect(run!, (ulong)seen.Ids[flow], seen.Truths[flow], isPart: true);
        }

        _found.Clear();
        _foundParts.Clear();
        for (var flow = 1; flow < seen.Ids.Length; flow++)
        {
            var id = (ulong)seen.Ids[flow];
            if (id == 0 || !(run!.IsCollected(id) || (id <= highest && Collect(run, id, seen.Truths[flow], isPart: false))))
            {
                continue;
            }

            _found.Add((flow, id));
            if (run.IsParted(id) && !FlowParts.Has(_parts.GetValueOrDefault((run, id)), seen.Parts.GetValueOrDefault(flow)))
            {
                _foundParts.Add(flow); // a part that no later segment had
            }
        }

        seen.Dispose();
        _spanning[segment] = [.. _found];
        return _foundParts.Count > 0;
    }

    /// <summary>The segment that was taken in last has parts of flows: takes in their facts. The same thread.</summary>
    public void TakeParts(int segment, SegmentIndex index)
    {
        foreach (var flow in _foundParts)
        {
            index.CopyFlow(flow, _columns, out var record);
            var key = (_places[segment].Run!, record.FlowId);
            _parts[key] = FlowParts.With(_parts.GetValueOrDefault(key), terms.Facts(record));
        }
    }

    /// <summary>All have been taken in: works out which terms hold for flows in parts.</summary>
    public void Finish()
    {
        foreach (var (key, parts) in _parts)
        {
            key.Run.SetTruths(key.FlowId, terms.Truths(parts.Join(terms)));
        }

        _parts.Clear();
    }

    /// <summary>Any thread, at the end: which terms hold for each flow of the segment's index.</summary>
    public ulong[] TruthsOf(int segment, SegmentIndex index)
    {
        var truths = new ulong[index.Flows];
        TermTruths.Fill(index, terms, truths);
        foreach (var (flow, id) in _spanning[segment] ?? [])
        {
            if (flow < truths.Length)
            {
                truths[flow] = _places[segment].Run!.TruthsOf(id);
            }
        }

        return truths;
    }

    private bool Collect(WorkerRun run, ulong id, ulong truths, bool isPart)
    {
        if (_flows == FlowsMax && !run.IsCollected(id))
        {
            IsFull = true;
            return false;
        }

        _flows += run.Collect(id, truths, isPart) ? 1 : 0;
        return true;
    }

    private readonly record struct Place(WorkerRun? Run, ulong Highest, bool HasParts);
}
