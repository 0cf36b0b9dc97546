// Which segments a window concerns, and what is missing in it: made from names and last blocks alone, before anything is
// read. The ledger's grain is the segment: its sums are over all segments that the window touches.
using System.Globalization;
using Tapline.Base;

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

    /// <summary>Frames in the segments wanted that say how many they have.</summary>
    public required long Recorded { get; init; }

    /// <summary>What is missing in the window, one sentence each.</summary>
    public required IReadOnlyList<string> Holes { get; init; }

    /// <summary>The segments in the order of their first frames.</summary>
    internal IReadOnlyList<ExtractSegment> Segments { get; private init; } = [];

    /// <summary>Makes the plan; null with one sentence when there is no recording.</summary>
    public static ExtractPlan? Make(ExtractOptions options, out string? error)
    {
        ArgumentNullException.ThrowIfNull(options);
        error = null;
        var holes = new List<string>();
        List<ExtractSegment> all;
        try
        {
            all = List(options.Folder, holes);
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
        var rows = wanted.Where(s => s.End is { IsRecovered: false }).SelectMany(s => s.End!.Rows).ToList();
        return new ExtractPlan
        {
            SegmentsKept = all.Count,
            Segments = wanted,
            Bytes = wanted.Sum(s => s.Bytes),
            Arrived = rows.Sum(r => r.Arrived),
            DroppedRing = rows.Sum(r => r.DroppedRing),
            Filtered = rows.Sum(r => r.Filtered),
            DroppedRecorder = rows.Sum(r => r.DroppedRecorder),
            Recorded = rows.Sum(r => r.Recorded)
                + wanted.Where(s => s.End is { IsRecovered: true }).Sum(s => s.End!.Rows.Sum(r => r.Recorded)),
            Holes = holes,
        };
    }

    private static long Earlier(long ns, long by) => ns < long.MinValue + by ? long.MinValue : ns - by;

    private static long Later(long ns, long by) => ns > long.MaxValue - by ? long.MaxValue : ns + by;

    private static List<ExtractSegment> List(string folder, List<string> holes)
    {
        var files = new DirectoryInfo(folder).EnumerateFiles()
            .Where(file => SegmentName.TryParse(file.Name, out _, out _)).OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        using var reading = new Ahead<Listed>(files.Count, number => Look(folder, files[number]));
        var segments = new List<ExtractSegment>();
        for (var number = 0; number < files.Count; number++)
        {
            var listed = reading.Take(number, CancellationToken.None)!;
            if (listed.Segment is { } segment)
            {
                segments.Add(segment);
            }
            else
            {
                holes.Add($"Segment {files[number].Name} was removed while the query began (the recording's budget).");
            }
        }

        // A segment that was finished during the listing may have been listed under both of its names.
        return [.. segments.GroupBy(s => s.Name).Select(g => g.OrderBy(s => s.IsHidden).First())
            .OrderBy(s => s.Name.StartNs).ThenBy(s => s.Name.Worker)];
    }

    // Null where the segment is gone.
    private static Listed Look(string folder, FileInfo file)
    {
        _ = SegmentName.TryParse(file.Name, out var name, out var isHidden);
        try
        {
            return new Listed(new ExtractSegment
            {
                Folder = folder, File = file.Name, Name = name, IsHidden = isHidden, Bytes = file.Length,
                End = isHidden ? null : SegmentEnd.TryRead(file.FullName),
            });
        }
        catch (FileNotFoundException) when (isHidden && File.Exists(Path.Combine(folder, file.Name[1..])))
        {
            // Finished between the listing and here.
            var finished = new FileInfo(Path.Combine(folder, file.Name[1..]));
            return new Listed(new ExtractSegment
            {
                Folder = folder, File = finished.Name, Name = name, IsHidden = false, Bytes = finished.Length,
                End = SegmentEnd.TryRead(finished.FullName),
            });
        }
        catch (FileNotFoundException)
        {
            return new Listed(null);
        }
    }

    private sealed record Listed(ExtractSegment? Segment);

    // Windows of one worker follow each other without a gap while a recorder runs; where they do not, something is missing.
    private static void Gaps(List<ExtractSegment> all, ExtractOptions options, List<string> holes)
    {
        if (all.Count > 0 && options.SinceNs != long.MinValue && StartOf(all[0]) > options.SinceNs)
        {
            holes.Add($"The recording begins at {TimeText.Text(StartOf(all[0]))}: what was before is not kept, or never was recorded.");
        }

        foreach (var worker in all.GroupBy(s => s.Name.Worker).OrderBy(g => g.Key))
        {
            ExtractSegment? before = null;
            foreach (var segment in worker)
            {
                var isInside = segment.LatestNs >= options.SinceNs && segment.Name.StartNs < options.UntilNs;
                if (isInside && segment.End is { IsRecovered: true })
                {
                    holes.Add($"Segment {segment.File} was recovered after a crash: its end is lost, and what it lacks is not known.");
                }
                else if (isInside && !segment.IsHidden && segment.End is null)
                {
                    holes.Add($"Segment {segment.File} has no ledger at its end: it was cut or changed, and what it lacks is not known.");
                }
                else if (isInside && segment.End is { } end && end.Rows.Sum(r => r.DroppedRing + r.DroppedRecorder) is > 0 and var lost)
                {
                    holes.Add(string.Create(CultureInfo.InvariantCulture,
                        $"{lost} frames between {TimeText.Text(end.StartNs)} and {TimeText.Text(end.EndNs)} were dropped."));
                }

                if (before?.End is { IsRecovered: false } earlier && earlier.EndNs < StartOf(segment)
                    && earlier.EndNs < options.UntilNs && StartOf(segment) > options.SinceNs)
                {
                    holes.Add(string.Create(CultureInfo.InvariantCulture,
                        $"Worker {worker.Key} has no segment between {TimeText.Text(earlier.EndNs)} and ")
                        + $"{TimeText.Text(StartOf(segment))}: nothing was recorded then, or a segment is missing.");
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
