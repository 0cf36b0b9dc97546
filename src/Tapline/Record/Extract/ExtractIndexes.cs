// The indexes of a query's segments: asked by several threads ahead of the reading, in the order of time. An index that is missing or
// damaged costs time, never an answer: its segment is read whole. Only terms of flows can't do without; then it is made, or
// the segment is named as a hole. For such terms all indexes are looked at first; they stay open in between, within bounds.
// Owned by the query's thread.
using Tapline.Record.Index;
using Tapline.Record.Summary;

namespace Tapline.Record.Extract;

/// <summary>Chooses packets by indexes.</summary>
internal sealed class ExtractIndexes : IDisposable
{
    private const int OpenMax = 256;
    private readonly ExtractOptions _options;
    private readonly IReadOnlyList<ExtractSegment> _segments;
    private readonly SummaryHeads _heads;
    private readonly FlowWholes _wholes;
    private readonly int[] _byEnd;
    private readonly SegmentIndex?[] _open;
    private readonly Lock _making = new();
    private readonly Ahead<SegmentScout> _scouts;
    private JudgeNames? _names;
    private IReadOnlyList<byte[]>?[]? _descriptions;

    public ExtractIndexes(ExtractPlan plan, ExtractOptions options)
    {
        _options = options;
        _segments = plan.Segments;
        _heads = plan.Heads;
        _wholes = new FlowWholes(options.Filter.Terms, _segments.Count);
        _open = new SegmentIndex?[_segments.Count];
        _byEnd = [.. Enumerable.Range(0, _segments.Count).OrderBy(s => _segments[s].LatestNs)];
        _scouts = new Ahead<SegmentScout>(_segments.Count, Scout);
    }

    private bool IsAsked => _options.Filter.AsksFlows || (_options.UseIndex && !_options.Filter.IsEverything);

    /// <summary>Collects what terms of flows and names need over all segments; a sentence where that is more than is kept.</summary>
    /// <param name="asked">Told how many segments have been asked for facts of their flows.</param>
    /// <param name="stop">Ends it early.</param>
    public string? Prepare(Action<int> asked, CancellationToken stop)
    {
        foreach (var segment in IsAsked ? _segments : [])
        {
            segment.Summary?.ExpectHead();
        }

        if (IsAsked && _options.Filter.NeedsDirectory)
        {
            PrepareNames(stop);
        }

        if (_options.Filter.AsksFlows)
        {
            PrepareWholes(asked, stop);
        }

        return _wholes.IsFull
            ? "The window has more flows than a query keeps: those beyond are judged by one segment each; ask for a shorter window."
            : null;
    }

    /// <summary>What of a segment has to be read; each is asked for once, in order. Null when it was stopped.</summary>
    public SegmentScout? Take(int segment, CancellationToken stop) => _scouts.Take(segment, stop);

    /// <summary>No more is wanted: closes what was kept open.</summary>
    public void Dispose()
    {
        _scouts.Dispose();
        for (var segment = 0; segment < _open.Length; segment++)
        {
            Interlocked.Exchange(ref _open[segment], null)?.Dispose();
        }

        _heads.Dispose();
    }

    private void PrepareNames(CancellationToken stop)
    {
        using var reading = new Ahead<Described>(_segments.Count, s => new Described(SegmentDescriptions.TryRead(_segments[s])));
        _descriptions = new IReadOnlyList<byte[]>[_segments.Count];
        var isWhole = true;
        for (var segment = 0; segment < _segments.Count; segment++)
        {
            _descriptions[segment] = reading.Take(segment, stop)?.Blocks;

            // A segment under way is read whole; what it says of machines comes later than all that is judged.
            isWhole &= _descriptions[segment] is not null || _segments[segment].IsHidden;
        }

        if (isWhole && _options.Filter.Root is { } root)
        {
            _names = new JudgeNames(root, _descriptions.SelectMany(d => d ?? []).Where(SegmentDescriptions.IsMachines));
        }
    }

    private void PrepareWholes(Action<int> asked, CancellationToken stop)
    {
        Each(_byEnd, HeadOf, (segment, index) => _wholes.Begin(segment, index, _segments[segment]), stop);
        var count = 0;
        Each(
            [.. Enumerable.Reverse(_byEnd)], segment => Using(segment, index => _wholes.Look(segment, index)), (segment, seen) =>
            {
                Take(segment, seen);
                asked(++count);
            }, stop);
        _wholes.Finish();
    }

    private void Take(int segment, FlowsSeen seen)
    {
        if (_wholes.Take(segment, seen))
        {
            Using(segment, index =>
            {
                _wholes.TakeParts(segment, index);
                return index;
            });
        }
    }

    // Looks at segments by several threads, and takes what was found one after the other.
    private static void Each<T>(int[] segments, Func<int, T?> look, Action<int, T> take, CancellationToken stop)
        where T : class
    {
        using var ahead = new Ahead<Looked<T>>(segments.Length, place => new Looked<T>(look(segments[place])));
        for (var place = 0; place < segments.Length && ahead.Take(place, stop) is { } looked; place++)
        {
            if (looked.Value is { } value)
            {
                take(segments[place], value);
            }
        }
    }

    // An index of which only its head is asked: by the summary's copy, if there is one. It stays open for the next question.
    private SegmentIndex? HeadOf(int segment)
    {
        try
        {
            var index = ByHead(_segments[segment]) ?? Open(_segments[segment]);
            if (segment < OpenMax)
            {
                return _open[segment] = index;
            }

            index?.Dispose(); // heads need no file
            return index;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return null;
        }
    }

    // Asks an index that stays open for the next question; null where there is none, or a damaged one, or another than its head said: told
    // when its packets are chosen.
    private T? Using<T>(int segment, Func<SegmentIndex, T?> ask)
        where T : class
    {
        var index = Interlocked.Exchange(ref _open[segment], null);
        var isKept = index is not null;
        try
        {
            index ??= ByHead(_segments[segment]) ?? Open(_segments[segment]);
            if (index is null)
            {
                return null;
            }

            index.Attach();
            var answer = ask(index);
            index.ForgetColumns();
            if (isKept)
            {
                _open[segment] = index;
                index = null;
            }

            return answer;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
        finally
        {
            index?.Dispose();
        }
    }

    private SegmentScout Scout(int segment)
    {
        var wanted = _segments[segment];
        if (!IsAsked)
        {
            return new SegmentScout { Segment = wanted };
        }

        if (ScoutByHead(segment) is { } known)
        {
            return known;
        }

        string? fault = null;
        try
        {
            using var index = Interlocked.Exchange(ref _open[segment], null) ?? Open(wanted);
            if (index is not null)
            {
                return Judge(segment, index);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            fault = e.Message;
        }

        return new SegmentScout
        {
            Segment = wanted,
            Hole = !_options.Filter.AsksFlows ? null : wanted.IsHidden
                ? $"Segment {wanted.File} is under way and has no index yet: facts of its flows are not known, and it was left out."
                : $"Segment {wanted.File} has no sound index: facts of its flows are not known, and it was left out. {fault}".TrimEnd(),
        };
    }

    // By the summary's copy of the index's head, as far as that goes; null where there is none, or the index is another by now. Facts of
    // flows are read from the indexes themselves, which are open by then.
    private SegmentScout? ScoutByHead(int segment)
    {
        if (_options.Filter.AsksFlows)
        {
            return null;
        }

        try
        {
            using var index = ByHead(_segments[segment]);
            return index is null ? null : Judge(segment, index);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static SegmentIndex? ByHead(ExtractSegment segment) => segment.Summary?.Head() is { } head
        ? SegmentIndex.OpenByHead(SegmentIndex.PathOf(segment.Path), head, segment.Bytes) : null;

    private SegmentScout Judge(int segment, SegmentIndex index)
    {
        var descriptions = _descriptions?[segment];
        var names = _names is null || descriptions is null ? null : new SegmentNames(_names, descriptions);
        var choice = PacketChoice.Make(
            index, _options, names, _options.Filter.AsksFlows ? () => _wholes.TruthsOf(segment, index) : null);
        return new SegmentScout
        {
            Segment = _segments[segment], Choice = choice,
            Descriptions = choice is { Offsets.Length: 0 } ? descriptions ?? SegmentDescriptions.TryRead(_segments[segment]) : null,
        };
    }

    private SegmentIndex? Open(ExtractSegment segment)
    {
        if (segment.IsHidden)
        {
            return null;
        }

        var path = SegmentIndex.PathOf(segment.Path);
        if (SegmentIndex.Open(path, segment.Bytes, out _) is { } index)
        {
            return index;
        }

        if (!_options.Filter.AsksFlows || _options.MakeIndex is not { } make)
        {
            return null;
        }

        lock (_making) // memory for one at a time
        {
            return make(segment.Path) ? SegmentIndex.Open(path, segment.Bytes, out _) : null;
        }
    }

    private sealed record Described(IReadOnlyList<byte[]>? Blocks);

    private sealed record Looked<T>(T? Value);
}
