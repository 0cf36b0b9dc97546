// A flow that spans segments is judged on its whole: the counters in each live index go back to the flow's beginning, so the last index
// that has it knows all of it, and parts of a long flow add up. Most flows lie in one segment and need nothing of this: flow ids
// rise, so one that may have begun in an earlier segment of its worker's run has an id that an earlier index's bounds cover. Only
// those are collected. Bounded: flows beyond the limit are judged by what their own segment knows. Methods say which thread.
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Facts of flows over all segments of a query.</summary>
internal sealed class FlowWholes(FlowTerms terms, int segments)
{
    private const int FlowsMax = 2 << 20;
    private const int SieveBits = 20;
    private readonly IndexColumn[]? _columns = TermTruths.Columns(terms);
    private readonly Dictionary<(int Run, ulong FlowId), Known?> _parts = [];
    private readonly Dictionary<(int Run, ulong FlowId), ulong> _truths = [];
    private readonly Dictionary<(string Import, int Worker), WorkerRun> _workers = [];
    private readonly Place[] _places = new Place[segments];
    private readonly (int Flow, ulong Id)[]?[] _spanning = new (int, ulong)[segments][];
    private readonly bool[] _sieve = new bool[1 << SieveBits]; // most flows are in one segment: told by one look
    private int _runs;

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
            _workers[key] = worker = new WorkerRun(_runs++);
        }

        var ids = index.Zone(IndexColumn.FlowId);
        var mayContinue = (ulong)ids.Min <= worker.Highest || index.Zone(IndexColumn.Part).Max > 0;
        _places[segment] = new Place(true, worker.Run, worker.Highest, mayContinue);
        worker.Take(of, header.Sequence, (ulong)ids.Max);
    }

    /// <summary>Second pass, any thread: ids of the segment's flows that may not be its alone.</summary>
    public ulong[] Continued(int segment, SegmentIndex index)
    {
        var place = _places[segment];
        if (!place.MayContinue)
        {
            return [];
        }

        var ids = index.Column(IndexColumn.FlowId);
        var parts = index.Column(IndexColumn.Part);
        var continued = new List<ulong>();
        for (var flow = 1; flow < index.Flows; flow++)
        {
            if (ids[flow] != 0 && ((ulong)ids[flow] <= place.Highest || parts[flow] > 0))
            {
                continued.Add((ulong)ids[flow]);
            }
        }

        return [.. continued];
    }

    /// <summary>By one thread: takes them in.</summary>
    public void Add(int segment, ulong[] continued)
    {
        foreach (var id in continued)
        {
            if (_parts.Count < FlowsMax)
            {
                _sieve[SievePlace(id)] = true;
                _parts.TryAdd((_places[segment].Run, id), null);
            }
            else
            {
                IsFull = true;
            }
        }
    }

    /// <summary>Third pass, any thread, when all are in: the facts of such flows that this segment has.</summary>
    public FlowPart[] Parts(int segment, SegmentIndex index)
    {
        var place = _places[segment];
        if (_parts.Count == 0 || !place.IsLive)
        {
            return [];
        }

        var ids = index.Column(IndexColumn.FlowId);
        var found = new List<FlowPart>();
        for (var flow = 1; flow < ids.Length; flow++)
        {
            if (_sieve[SievePlace((ulong)ids[flow])] && _parts.ContainsKey((place.Run, (ulong)ids[flow])))
            {
                index.CopyFlow(flow, _columns, out var record);
                found.Add(new FlowPart(flow, record.FlowId, record.Part, terms.Facts(record)));
            }
        }

        return [.. found];
    }

    /// <summary>In order of their ends, by one thread: the later segment knows more of a part, also of two classes'.</summary>
    public void Add(int segment, FlowPart[] parts)
    {
        foreach (var part in parts)
        {
            var key = (_places[segment].Run, part.FlowId);
            _parts[key] = Known.With(_parts[key], part.Part, part.Facts);
        }

        _spanning[segment] = Array.ConvertAll(parts, p => (p.Flow, p.FlowId));
    }

    /// <summary>All have been taken in: works out which terms hold for each flow.</summary>
    public void Finish()
    {
        _truths.EnsureCapacity(_parts.Count);
        foreach (var (key, first) in _parts)
        {
            if (first is null)
            {
                continue;
            }

            for (var part = first.Next; part is not null; part = part.Next)
            {
                terms.Join(first.Facts, part.Facts);
            }

            _truths.Add(key, terms.Truths(first.Facts));
        }

        _parts.Clear();
    }

    /// <summary>Any thread, at the end: which terms hold for each flow of the segment's index.</summary>
    public ulong[] TruthsOf(int segment, SegmentIndex index)
    {
        var truths = TermTruths.Of(index, terms);
        foreach (var (flow, id) in _spanning[segment] ?? [])
        {
            if (flow < truths.Length && _truths.TryGetValue((_places[segment].Run, id), out var whole))
            {
                truths[flow] = whole;
            }
        }

        return truths;
    }

    private static int SievePlace(ulong id) => (int)((id * 0x9e37_79b9_7f4a_7c15) >> (64 - SieveBits));

    /// <summary>What one segment knows of a part of a flow.</summary>
    internal sealed record FlowPart(int Flow, ulong FlowId, byte Part, FlowFacts Facts);

    // The parts of a flow by number; hardly any flow has two.
    private sealed class Known(byte part, FlowFacts facts, Known? next)
    {
        public FlowFacts Facts { get; private set; } = facts;

        public Known? Next { get; private set; } = next;

        public static Known With(Known? first, byte number, FlowFacts facts)
        {
            if (first is null || number < first.Number)
            {
                return new Known(number, facts, first);
            }

            if (number == first.Number)
            {
                first.Facts = facts;
            }
            else
            {
                first.Next = With(first.Next, number, facts);
            }

            return first;
        }

        private byte Number { get; } = part;
    }

    private readonly record struct Place(bool IsLive, int Run, ulong Highest, bool MayContinue);
}
