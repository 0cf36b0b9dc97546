// All files of a recording as an independent eye sees them at one moment, and what must hold of the frames that one run put there: none
// strange, none twice, and between a worker's first and last frame none missing that no ledger tells of. Any thread.
namespace Tapline.Lab.Record;

/// <summary>The segments of a folder at one moment.</summary>
internal sealed class SeenRecording
{
    private SeenRecording(List<SeenSegment> published, List<SeenSegment> hidden)
    {
        Published = published;
        Hidden = hidden;
    }

    /// <summary>Finished segments, oldest first.</summary>
    public List<SeenSegment> Published { get; }

    /// <summary>Segments under way, or left so.</summary>
    public List<SeenSegment> Hidden { get; }

    /// <summary>Reads a folder in which nobody writes; files that <paramref name="known"/> has are not read again.</summary>
    public static SeenRecording Read(string folder, NumberedFrames frames, IReadOnlyDictionary<string, SeenSegment>? known = null)
    {
        var all = NamesIn(folder)
            .Select(name => known?.GetValueOrDefault(name) ?? SeenSegment.Read(Path.Combine(folder, name), frames)).ToList();
        return new SeenRecording([.. all.Where(s => s.Name[0] != '.')], [.. all.Where(s => s.Name[0] == '.')]);
    }

    /// <summary>Names of all segments, those under way included.</summary>
    public static string[] NamesIn(string folder) => Directory.Exists(folder)
        ? [.. Directory.GetFiles(folder, "*.pcapng").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)] : [];

    /// <summary>What is wrong with the frames of one run, as sentences.</summary>
    /// <param name="segments">What the run left: finished segments, then those that were under way.</param>
    /// <param name="frames">What was sent.</param>
    /// <param name="workerOfPair">Which worker has which pair of addresses; filled as it turns out.</param>
    public static List<string> Mistakes(IReadOnlyList<SeenSegment> segments, NumberedFrames frames, Dictionary<int, int> workerOfPair)
    {
        var mistakes = segments.Where(s => s.Strange > 0).Select(s => $"{s.Name} has {s.Strange} frames that nobody sent so").ToList();
        mistakes.AddRange(segments.Where(s => s.Counted >= 0 && s.Counted != s.Numbers.Count)
            .Select(s => $"{s.Name} has {s.Numbers.Count} frames and counts {s.Counted}"));
        var there = new HashSet<long>();
        foreach (var segment in segments)
        {
            foreach (var number in segment.Numbers)
            {
                if (!there.Add(number))
                {
                    mistakes.Add($"{segment.Name} has frame {number} a second time");
                }

                if (workerOfPair.TryAdd(frames.PairOf(number), segment.Worker) is false
                    && workerOfPair[frames.PairOf(number)] != segment.Worker)
                {
                    mistakes.Add($"{segment.Name} has frame {number} of another worker's");
                }
            }
        }

        var lost = segments.Sum(s => Math.Max(0, s.Lost));
        var missing = Missing(segments, there, frames, workerOfPair);
        if (missing > lost)
        {
            mistakes.Add($"{missing} frames are missing between others, and ledgers tell of {lost}");
        }

        return mistakes;
    }

    private static long Missing(
        IReadOnlyList<SeenSegment> segments, HashSet<long> there, NumberedFrames frames, Dictionary<int, int> workerOfPair)
    {
        var missing = 0L;
        foreach (var worker in segments.Where(s => s.Numbers.Count > 0).GroupBy(s => s.Worker))
        {
            var last = worker.Max(s => s.Numbers.Max());
            for (var number = worker.Min(s => s.Numbers.Min()); number < last; number++)
            {
                missing += workerOfPair.TryGetValue(frames.PairOf(number), out var owner) && owner == worker.Key
                    && !there.Contains(number) ? 1 : 0;
            }
        }

        return missing;
    }
}
