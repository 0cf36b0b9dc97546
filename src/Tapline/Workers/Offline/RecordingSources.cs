// What `tapline read` was given, sorted: captures as they are, and recordings (a data folder, a recording's folder, segments by name)
// as chains of segments. Segments of one worker continue each other, wherever they are named. Reads folders and names only, and
// the segments' lists of machines where they are asked for. Control thread.
using Tapline.Capture.Files;
using Tapline.Filter;
using Tapline.Record;
using Tapline.Record.Extract;

namespace Tapline.Workers.Offline;

/// <summary>The sources of an analysis. Immutable.</summary>
public sealed class RecordingSources
{
    private readonly List<string> _files = [];
    private readonly List<string> _holes = [];
    private readonly List<string> _segments = [];
    private ExtractMachines? _machines;

    private RecordingSources()
    {
    }

    /// <summary>Captures, in the order in which they were named.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>Chains of segments, one for each worker and folder.</summary>
    public IReadOnlyList<SegmentChain> Chains { get; private set; } = [];

    /// <summary>What recordings lack in the window, one sentence each.</summary>
    public IReadOnlyList<string> Holes => _holes;

    /// <summary>Sorts what was named; null with one sentence when a folder holds no recording.</summary>
    /// <param name="paths">Files and folders; "-" is standard input.</param>
    /// <param name="sinceNs">Segments that end before are left out.</param>
    /// <param name="untilNs">Segments that begin at or after it are left out.</param>
    /// <param name="error">The sentence.</param>
    public static RecordingSources? Find(IReadOnlyList<string> paths, long sinceNs, long untilNs, out string? error)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var sources = new RecordingSources();
        foreach (var path in paths)
        {
            if (System.IO.Directory.Exists(path))
            {
                if (sources.AddFolder(path, sinceNs, untilNs) is { } mistake)
                {
                    error = mistake;
                    return null;
                }
            }
            else if (path != "-" && SegmentName.TryParse(Path.GetFileName(path), out _, out _))
            {
                sources._segments.Add(path);
            }
            else
            {
                sources._files.Add(path);
            }
        }

        sources.Chains =
        [
            .. sources._segments.Distinct().Select(s => (Path: s, Name: NameOf(s)))
                .GroupBy(s => (Folder: Path.GetDirectoryName(s.Path), s.Name.Worker))
                .OrderBy(g => g.Key.Folder, StringComparer.Ordinal).ThenBy(g => g.Key.Worker)
                .Select(g => new SegmentChain([.. g.OrderBy(s => s.Name.StartNs).Select(s => s.Path)])),
        ];
        error = null;
        return sources;
    }

    /// <summary>The machines that the segments name, the newest word on each.</summary>
    public IReadOnlyList<RecordedMachine> Machines() => Collect().All;

    /// <summary>What names in expressions stand for: these machines, those of the recordings, and the points.</summary>
    public FilterDirectory Directory(FilterDirectory more, IReadOnlyList<FileInterface> points)
    {
        ArgumentNullException.ThrowIfNull(more);
        var own = Collect().Directory(points.Select(p => (p.PointId, p.Name, p.Description)));
        return new FilterDirectory([.. more.Machines, .. own.Machines], own.Points);
    }

    private ExtractMachines Collect()
    {
        if (_machines is null)
        {
            _machines = new ExtractMachines();
            foreach (var segment in _segments.Select(s => (Path: s, NameOf(s).StartNs)).OrderBy(s => s.StartNs))
            {
                SegmentMachines.Read(segment.Path, _machines);
            }
        }

        return _machines;
    }

    private string? AddFolder(string path, long sinceNs, long untilNs)
    {
        var inside = Path.Combine(path, "recording");
        var folder = System.IO.Directory.Exists(inside) ? inside : path;
        var plan = ExtractPlan.Make(new ExtractOptions { Folder = folder, SinceNs = sinceNs, UntilNs = untilNs }, out var error);
        if (plan is null || plan.SegmentsKept == 0)
        {
            return error ?? $"{path} is a folder without a recording; name a data folder, or a capture file in it.";
        }

        _segments.AddRange(plan.Segments.Select(s => s.Path));
        _holes.AddRange(plan.Holes);
        return null;
    }

    private static SegmentName NameOf(string path)
    {
        _ = SegmentName.TryParse(Path.GetFileName(path), out var name, out _);
        return name;
    }
}
