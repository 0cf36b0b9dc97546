// Which segments a window concerns, and what is missing in it: made from names and last blocks alone, before anything is
// read. The ledger's grain is the segment: its sums are over all segments that the window touches.
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Container;
using Tapline.Record.Summary;

namespace Tapline.Record.Extract;

/// <summary>The plan of a query. Immutable.</summary>
public sealed class ExtractPlan
{
    private ExtractPlan()
    {
    }

    /// <summary>Finished and unfinished segments in the folder.</summary>
    public required int SegmentsKept { get; init; }

    /// <summary>Those that the window touches.</summary>
    public int SegmentsWanted => Segments.Count;

    /// <summary>Bytes of these.</summary>
    public required long Bytes { get; init; }

    /// <summary>Frames that reached the recorder's points, over the segments wanted that know it.</summary>
    public required long Arrived { get; init; }

    /// <summary>Of these: lost in the kernel's ring.</summary>
    public required long DroppedRing { get; init; }

    /// <summary>Of these: not wanted by the recorder's filter.</summary>
    public required long Filtered { get; init; }

    /// <summary>Of these: wanted, and lost by the recorder.</summary>
    public required long DroppedRecorder { get; init; }

    /// <summary>Recorded frames of which a class keeps less than was captured: cut on purpose.</summary>
    public required long Sliced { get; init; }

    /// <summary>The classes that did.</summary>
    public required IReadOnlyList<string> SlicedBy { get; init; }

    /// <summary>Frames in the segments wanted that say how many they have.</summary>
    public required long Recorded { get; init; }

    /// <summary>What is missing in the window, one sentence each.</summary>
    public required IReadOnlyList<string> Holes { get; init; }

    /// <summary>The segments in the order of their first frames.</summary>
    internal IReadOnlyList<ExtractSegment> Segments { get; private init; } = [];

    /// <summary>Heads of these segments' indexes, as summaries have them. The query closes it.</summary>
    internal SummaryHeads Heads { get; private init; } = new();

    /// <summary>Makes the plan; null with one sentence when there is no recording.</summary>
    public static ExtractPlan? Make(ExtractOptions options, out string? error)
    {
        ArgumentNullException.ThrowIfNull(options);
        error = null;
        var holes = new List<string>();
        var heads = new SummaryHeads();
        List<ExtractSegment> all;
        try
        {
            all = List(options.Folder, heads, holes);
        }
        catch (DirectoryNotFoundException)
        {
            error = $"There is no recording in {options.Folder}; name the data folder that `tapline record` or `tapline up` writes to.";
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The recording {options.Folder} can't be read: {e.Message}";
            return null;
        }

        var sinceNs = Earlier(options.SinceNs, options.DisorderNs);
        var untilNs = Later(options.UntilNs, options.DisorderNs);
        var wanted = all.Where(s => s.Name.StartNs < untilNs && s.LatestNs >= sinceNs).ToList();
        Gaps(all, options, holes);
        var known = wanted.Where(s => s.End is { IsRecovered: false }).ToList();
        var rows = known.SelectMany(s => s.End!.Rows).ToList();

        // Every class's ledger knows of all frames; each is counted where it belongs. Which class's a frame would have been
        // that the ring lost nobody knows, so each class tells of all those: the one that knows most of them counts.
        var ringDropped = known.GroupBy(s => s.Class).Select(g => g.Sum(RingDropped)).DefaultIfEmpty().Max();
        return new ExtractPlan
        {
            SegmentsKept = all.Count,
            Segments = wanted,
            Heads = heads,
            Bytes = wanted.Sum(s => s.Bytes),
            Arrived = ringDropped + rows.Sum(r => r.Captured - r.OtherClass),
            DroppedRing = ringDropped,
            Filtered = rows.Sum(r => r.Filtered),
            DroppedRecorder = rows.Sum(r => r.DroppedRecorder),
            Sliced = rows.Sum(r => r.Sliced),
            SlicedBy = [.. known.Where(s => s.End!.Rows.Any(r => r.Sliced > 0)).Select(s => s.Class).Distinct()
                .Order(StringComparer.Ordinal).Select(c => c.Length == 0 ? "default" : c)],
            Recorded = rows.Sum(r => r.Recorded)
                + wanted.Where(s => s.End is { IsRecovered: true }).Sum(s => s.End!.Rows.Sum(r => r.Recorded)),
            Holes = holes,
        };
    }

    private static long Earlier(long ns, long by) => ns < long.MinValue + by ? long.MinValue : ns - by;

    private static long Later(long ns, long by) => ns > long.MaxValue - by ? long.MaxValue : ns + by;

    // The recording's own folder, then those of its classes and imports.
    private static List<ExtractSegment> List(string recording, SummaryHeads heads, List<string> holes)
    {
        var segments = new List<ExtractSegment>();
        foreach (var folder in RecordingFolders.Of(recording))
        {
            try
            {
                segments.AddRange(List(recording, RecordingFolders.NameOf(recording, folder), heads, holes));
            }
            catch (DirectoryNotFoundException) when (folder != recording)
            {
                // A folder that was removed meanwhile takes its segments along.
            }
        }

        return
        [
            .. segments.OrderBy(s => s.Name.StartNs).ThenBy(s => s.Name.Worker).ThenBy(s => s.Class, StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<ExtractSegment> List(string recording, string ofClass, SummaryHeads heads, List<string> holes)
    {
        var segments = new List<ExtractSegment>();
        var locked = new LockedSegments();
        var folder = Path.Combine(recording, ofClass);
        if (ofClass.Length > 0 && !Directory.Exists(folder))
        {
            return []; // removed meanwhile
        }

        var all = new DirectoryInfo(folder).EnumerateFiles().ToList();
        var files = all.Where(file => SegmentName.TryParse(file.Name, out _, out _))
            .OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        var known = SummaryReader.Read(folder, all.Select(file => file.Name), heads);
        var summarised = files.ConvertAll(file => known.Count == 0 ? null : Summarised(folder, ofClass, file, known));
        var others = Enumerable.Range(0, files.Count).Where(number => summarised[number] is null).ToList();
        using var reading = new Ahead<Listed>(others.Count, number => Look(folder, ofClass, files[others[number]]));
        var other = 0;
        for (var number = 0; number < files.Count; number++)
        {
            var listed = summarised[number] ?? reading.Take(other++, CancellationToken.None)!;
            if (listed.Segment is { } segment)
            {
                segments.Add(segment);
            }
            else if (listed.Locked is { } why)
            {
                locked.Add(files[number].Name, why);
            }
            else
            {
                holes.Add($"Segment {files[number].Name} was removed while the query began (the recording's budget).");
            }
        }

        locked.ThrowIfAll(segments.Count);
        holes.AddRange(locked.Holes);

        // A segment that was finished during the listing may have been listed under both of its names.
        return segments.GroupBy(s => s.Name).Select(g => g.OrderBy(s => s.IsHidden).First());
    }

    // By the folder's summary alone; null where that does not know the segment as it is.
    private static Listed? Summarised(
        string folder, string ofClass, FileInfo file, Dictionary<SegmentName, SegmentSummary> known)
    {
        _ = SegmentName.TryParse(file.Name, out var name, out var isHidden);
        if (isHidden || !known.TryGetValue(name, out var summary) || !file.Exists || file.Length != summary.SegmentBytes
            || summary.End() is not { } end)
        {
            return null;
        }

        return new Listed(
            new ExtractSegment
            {
                Folder = folder, File = file.Name, Class = ofClass, Name = name, IsHidden = false, Bytes = summary.SegmentBytes, End = end,
                Summary = summary,
            }, null);
    }

    // Nothing where the segment is gone.
    private static Listed Look(string folder, string ofClass, FileInfo file)
    {
        _ = SegmentName.TryParse(file.Name, out var name, out var isHidden);
        try
        {
            try
            {
                return new Listed(Look(folder, ofClass, file, name, isHidden), null);
            }
            catch (FileNotFoundException) when (isHidden && File.Exists(Path.Combine(folder, file.Name[1..])))
            {
                // Finished between the listing and here.
                return new Listed(Look(folder, ofClass, new FileInfo(Path.Combine(folder, file.Name[1..])), name, isHidden: false), null);
            }
        }
        catch (ContainerException e)
        {
            return new Listed(null, e);
        }
        catch (FileNotFoundException)
        {
            return new Listed(null, null);
        }
    }

    private static ExtractSegment Look(string folder, string ofClass, FileInfo file, SegmentName name, bool isHidden)
    {
        var end = isHidden ? null : SegmentEnd.TryRead(file.FullName);
        return new ExtractSegment
        {
            Folder = folder, File = file.Name, Class = ofClass, Name = name, IsHidden = isHidden,
            Bytes = end?.SegmentBytes ?? file.Length, End = end,
        };
    }

    private sealed record Listed(ExtractSegment? Segment, ContainerException? Locked);

    // Windows of one worker follow each other without a gap while a recorder runs; where they do not, something is missing.
    private static void Gaps(List<ExtractSegment> every, ExtractOptions options, List<string> holes)
    {
        // Frames that the ring lost stand in all classes' ledgers: one of them tells.
        var classes = every.GroupBy(s => s.Class).OrderBy(g => g.Key, StringComparer.Ordinal).ToList();
        var teller = classes.MaxBy(g => g.Sum(RingDropped))?.Key;
        foreach (var ofClass in classes)
        {
            var isImport = RecordingFolders.IsImport(Path.Combine(options.Folder, ofClass.Key));
            var name = ofClass.Key.Length == 0 ? ""
                : isImport ? $" of the import {Path.GetFileName(ofClass.Key)}" : $" of class {ofClass.Key}";
            Gaps(name, [.. ofClass], ofClass.Key == teller, options, holes);
        }
    }

    private static long RingDropped(ExtractSegment segment) =>
        segment.End is { IsRecovered: false } end ? end.Rows.Sum(r => r.DroppedRing) : 0;

    private static void Gaps(string ofClass, List<ExtractSegment> all, bool tellsRing, ExtractOptions options, List<string> holes)
    {
        // An import begins where its captures did.
        var isImport = all.Count > 0 && RecordingFolders.IsImport(all[0].Folder);
        var first = all.Count > 0 && !isImport ? all[0] : null;
        if (first is not null && options.SinceNs != long.MinValue && StartOf(first) > options.SinceNs)
        {
            holes.Add(
                $"The recording{ofClass} begins at {TimeText.Text(StartOf(first))}: what was before is not kept, or never was recorded.");
        }

        foreach (var worker in all.GroupBy(s => s.Name.Worker).OrderBy(g => g.Key))
        {
            var who = isImport ? $"The{ofClass[" of the".Length..]}"
                : string.Create(CultureInfo.InvariantCulture, $"Worker {worker.Key}{ofClass}");
            ExtractSegment? before = null;
            foreach (var segment in worker)
            {
                var isInside = segment.LatestNs >= options.SinceNs && segment.Name.StartNs < options.UntilNs;
                if (isInside && segment.End is { IsRecovered: true })
                {
                    holes.Add(
                        $"Segment {segment.File}{ofClass} was recovered after a crash: its end is lost, and what it lacks is not known.");
                }
                else if (isInside && !segment.IsHidden && segment.End is null)
                {
                    holes.Add(
                        $"Segment {segment.File}{ofClass} has no ledger at its end: it was cut or changed; what it lacks is not known.");
                }
                else if (isInside && segment.End is { } end
                    && (tellsRing ? RingDropped(segment) : 0) + end.Rows.Sum(r => r.DroppedRecorder) is > 0 and var lost)
                {
                    holes.Add(string.Create(CultureInfo.InvariantCulture,
                        $"{lost} frames between {TimeText.Text(end.StartNs)} and {TimeText.Text(end.EndNs)} were dropped."));
                }

                if (before?.End is { IsRecovered: false } earlier && earlier.EndNs < StartOf(segment)
                    && earlier.EndNs < options.UntilNs && StartOf(segment) > options.SinceNs)
                {
                    holes.Add(
                        $"{who} has no segment between {TimeText.Text(earlier.EndNs)} and {TimeText.Text(StartOf(segment))}: "
                        + "nothing was recorded then, or a segment is missing.");
                }

                before = segment;
            }
        }
    }

    // A window begins where the one before ended, which may be long before its first frame; while under way it is not known.
    private static long StartOf(ExtractSegment segment) =>
        segment.End is { IsRecovered: false } end ? Math.Min(end.StartNs, segment.Name.StartNs)
        : segment.IsHidden || segment.End is { IsRecovered: true } ? long.MinValue : segment.Name.StartNs;
}
