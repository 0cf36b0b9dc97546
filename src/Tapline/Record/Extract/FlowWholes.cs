// A flow that spans segments is judged on its whole: the counters in each live index go back to the flow's beginning, so the last index
// that has it knows all of it, and parts of a long flow add up. Most flows lie in one segment and need nothing of this: flow ids
// rise, so one that may have begun in an earlier segment of its worker's run has an id that an earlier index's bounds cover. Only
// those are collected, and of them only which terms hold; facts are read for flows in parts alone. Bounded: flows beyond the
// limit are judged by what their own segment knows. Methods say which thread.
using System.Buffers;
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
    private int _flows;

    /// <summary>True when there were more flows than are kept.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Tells an index what it will be asked for. Any thread.</summary>
    public void Expect(SegmentIndex index) => index.WillNeed(_columns);

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
        _places[segment] = new Place(worker, worker.Highest, (ulong)ids.Min <= worker.Highest || hasParts, hasParts);
        worker.Take(of, header.Sequence, (ulong)ids.Max);
    }

    /// <summary>Second pass, any thread: ids of the segment's flows that may not be its alone.</summary>
    public SpanningFlow[] Continued(int segment, SegmentIndex index)
    {
        var place = _places[segment];
        if (!place.MayContinue)
        {
            return [];
        }

        var ids = index.Column(IndexColumn.FlowId);
        var parts = place.HasParts ? index.Column(IndexColumn.Part) : [];
        var continued = new List<SpanningFlow>();
        for (var flow = 1; flow < ids.Length; flow++)
        {
            var id = (ulong)ids[flow];
            var isPart = place.HasParts && parts[flow] > 0;
            if (id != 0 && (id <= place.Highest || isPart))
            {
                continued.Add(new SpanningFlow(flow, id, 0, isPart));
            }
        }

        return [.. continued];
    }

    /// <summary>By one thread: takes them in.</summary>
    public void TakeContinued(int segment, SpanningFlow[] continued)
    {
        foreach (var flow in continued)
        {
            if (_flows == FlowsMax)
            {
                IsFull = true;
                return;
            }

            _flows += _places[segment].Run!.Collect(flow.Id, flow.IsPart) ? 1 : 0;
        }
    }

    /// <summary>Third pass, any thread, when all are in: such flows that this segment has, and which terms hold for them by what its
    /// index knows.</summary>
    public SpanningFlow[] Known(int segment, SegmentIndex index)
    {
        if (_places[segment].Run is not { } run || _flows == 0)
        {
            return [];
        }

        var found = new List<SpanningFlow>();
        var ids = index.Column(IndexColumn.FlowId);
        for (var flow = 1; flow < ids.Length; flow++)
        {
            var id = (ulong)ids[flow];
            if (run.IsCollected(id))
            {
                found.Add(new SpanningFlow(flow, id, 0, run.IsParted(id)));
            }
        }

        if (found.Count == 0)
        {
            return [];
        }

        var known = found.ToArray();
        var rented = ArrayPool<ulong>.Shared.Rent(index.Flows);
        var truths = rented.AsSpan(0, index.Flows);
        TermTruths.Fill(index, terms, truths);
        foreach (ref var flow in known.AsSpan())
        {
            flow = flow with { Truths = truths[flow.Flow], Facts = flow.IsPart ? FactsOf(index, flow.Flow) : null };
        }

        ArrayPool<ulong>.Shared.Return(rented);
        return known;
    }

    /// <summary>In order of their ends, by one thread: the later segment knows more of a flow, or of a part of it, also of two
    /// classes'.</summary>
    public void TakeKnown(int segment, SpanningFlow[] known)
    {
        foreach (var flow in known)
        {
            var run = _places[segment].Run!;
            run.SetTruths(flow.Id, flow.Truths);
            if (flow.Facts is { } facts)
            {
                _parts[(run, flow.Id)] = FlowParts.With(_parts.GetValueOrDefault((run, flow.Id)), facts);
            }
        }

        _spanning[segment] = Array.ConvertAll(known, flow => (flow.Flow, flow.Id));
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

    private FlowFacts FactsOf(SegmentIndex index, int flow)
    {
        index.CopyFlow(flow, _columns, out var record);
        return terms.Facts(record);
    }

    private readonly record struct Place(WorkerRun? Run, ulong Highest, bool MayContinue, bool HasParts);
}
