// The seals that lie in a folder when it is opened: from them a lost journal is made anew, and one that a power cut has set back is
// brought up to date. Only what a known key has signed is believed. Reads the newest seals of each worker, and all only where
// there is no journal. Control thread; allocates.
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Reads seals of a folder.</summary>
internal sealed class FoundSeals(string folder, PublicKeys keys)
{
    private const string Ending = ".sig";
    private static readonly EnumerationOptions s_all = new() { AttributesToSkip = 0 };

    /// <summary>True when a segment lies in a folder under its hidden name.</summary>
    public static bool HasHidden(string folder) => Directory.EnumerateFiles(folder, ".*", s_all)
        .Any(f => SegmentName.TryParse(Path.GetFileName(f), out _, out _));

    /// <summary>A journal from seals alone; empty where there are none.</summary>
    public EvidenceJournal Rebuild()
    {
        var journal = new EvidenceJournal();
        foreach (var (_, paths) in ByWorker())
        {
            var newest = new Dictionary<UInt128, SegmentSeal>();
            foreach (var path in paths)
            {
                if (TryRead(path, out var seal)
                    && (!newest.TryGetValue(seal.Chain, out var known) || known.Sequence < seal.Sequence))
                {
                    newest[seal.Chain] = seal;
                }
            }

            foreach (var seal in newest.Values.OrderBy(s => s.SealedNs))
            {
                _ = journal.TryAdd(new SealChain
                {
                    Id = seal.Chain, Worker = seal.Worker, From = seal.Sequence + 1, BeganNs = Clock.NowNs(),
                    Next = seal.Sequence + 1, Tip = seal.Link,
                });
            }
        }

        return journal;
    }

    /// <summary>The first and last time of segments without a seal, those that a crash left hidden included; null = there are none.
    /// </summary>
    public (long SinceNs, long UntilNs)? Unsealed()
    {
        (long SinceNs, long UntilNs)? span = null;
        foreach (var path in Directory.EnumerateFiles(folder, "*", s_all))
        {
            if (SegmentName.TryParse(Path.GetFileName(path), out var name, out _) && !File.Exists(Path.ChangeExtension(path, Ending)))
            {
                span = (Math.Min(span?.SinceNs ?? name.StartNs, name.StartNs), Math.Max(span?.UntilNs ?? 0, name.StartNs));
            }
        }

        return span;
    }

    /// <summary>Visible segments that wait for their seals since an end before its time; oldest first.</summary>
    public List<(SegmentName Name, long Bytes)> Waiting(EvidenceJournal journal)
    {
        var last = new Dictionary<ushort, (long Sequence, long StartNs)>();
        foreach (var (worker, paths) in ByWorker())
        {
            foreach (var path in paths)
            {
                // The newest name has the highest sequence, but for a clock that was set back.
                if (TryRead(path, out var seal) && seal.Chain == journal.LastOf(worker)?.Id)
                {
                    _ = SegmentCompanions.TryParse(Path.GetFileName(path), out var name);
                    last[worker] = (seal.Sequence, name.StartNs);
                    break;
                }
            }
        }

        var waiting = new List<(SegmentName Name, long Bytes)>();
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
        {
            if (SegmentName.TryParse(file.Name, out var name, out var isHidden) && !isHidden
                && !File.Exists(Path.ChangeExtension(file.FullName, Ending)))
            {
                var (sequence, startNs) = last.GetValueOrDefault(name.Worker);
                if (journal.MayWait(name, sequence, startNs))
                {
                    waiting.Add((name, file.Length));
                }
            }
        }

        waiting.Sort((a, b) => a.Name.StartNs.CompareTo(b.Name.StartNs));
        return waiting;
    }

    /// <summary>Takes over seals that are beyond the journal.</summary>
    public void CatchUp(EvidenceJournal journal)
    {
        foreach (var (worker, paths) in ByWorker())
        {
            if (journal.LastOf(worker) is not { } chain)
            {
                continue;
            }

            var (next, tip) = (chain.Next, chain.Tip);
            foreach (var path in paths)
            {
                if (!TryRead(path, out var seal) || seal.Chain != chain.Id)
                {
                    continue;
                }

                if (seal.Sequence < chain.Next)
                {
                    break;
                }

                (next, tip) = seal.Sequence >= next ? (seal.Sequence + 1, seal.Link) : (next, tip);
            }

            (chain.Next, chain.Tip) = (next, tip);
        }
    }

    /// <summary>Removes seals that were under way, those of which a power cut left nothing, and those whose segment retention has removed.
    /// Others without a segment stay: they say that one is missing.</summary>
    public void RemoveOrphans(EvidenceJournal journal)
    {
        var there = Directory.EnumerateFiles(folder).Select(Path.GetFileName)
            .Where(n => SegmentName.TryParse(n!, out _, out var isHidden) && !isHidden)
            .Select(n => Path.ChangeExtension(n, Ending)!).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Ending, s_all))
        {
            var name = Path.GetFileName(path);
            if ((name[0] == '.' && SegmentCompanions.TryParse(name[1..], out _))
                || (journal.IsOpen && SegmentCompanions.TryParse(name, out _) && new FileInfo(path).Length == 0)
                || (!there.Contains(name) && SegmentCompanions.TryParse(name, out _) && TryRead(path, out var seal)
                    && journal.IsRemoved(seal.Chain, seal.Sequence, out _)))
            {
                File.Delete(path);
            }
        }
    }

    // Newest first.
    private Dictionary<ushort, List<string>> ByWorker()
    {
        var seals = new Dictionary<ushort, List<(long StartNs, string Path)>>();
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Ending))
        {
            if (SegmentCompanions.TryParse(Path.GetFileName(path), out var name))
            {
                seals.TryAdd(name.Worker, []);
                seals[name.Worker].Add((name.StartNs, path));
            }
        }

        return seals.ToDictionary(s => s.Key, s => s.Value.OrderByDescending(p => p.StartNs).Select(p => p.Path).ToList());
    }

    private bool TryRead(string path, out SegmentSeal seal)
    {
        seal = default;
        var file = new FileInfo(path);
        if (!file.Exists || file.Length > Limits.SealBytesMax)
        {
            return false;
        }

        var bytes = File.ReadAllBytes(path);
        return SealText.TryRead(bytes, out seal) && SignedText.IsSigned(bytes, seal.Key, keys);
    }
}
