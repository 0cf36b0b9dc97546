// Verifies one folder of segments while others may write to it and retention removes: the journal is read before the folder is listed and
// again when all bytes were checked. What came later need not be there; what went meanwhile must stand in the journal then.
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Summary;

namespace Tapline.Record.Evidence;

/// <summary>Verifies a folder. One use.</summary>
internal sealed class FolderVerifier
{
    private const int JournalTries = 10;
    private const int JournalPauseMs = 100;
    private readonly VerifyOptions _options;
    private readonly VerifyReport _report;
    private readonly string _folder;
    private readonly string _prefix;
    private readonly Dictionary<string, SealedFile> _seals = new(StringComparer.Ordinal);
    private readonly List<(string File, SegmentName Name)> _segments = [];
    private readonly HashSet<string> _hidden = new(StringComparer.Ordinal);
    private readonly List<string> _gone = [];
    private readonly Dictionary<string, string> _byStem = new(StringComparer.Ordinal);
    private EvidenceJournal? _before;

    /// <param name="options">What is wanted.</param>
    /// <param name="report">Gets what is found.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="prefix">How it is named in findings: empty, or its name and a slash.</param>
    public FolderVerifier(VerifyOptions options, VerifyReport report, string folder, string prefix)
    {
        _options = options;
        _report = report;
        _folder = folder;
        _prefix = prefix;
    }

    /// <summary>Reads journal and seals, and lists the segments. False when there is nothing to verify.</summary>
    public bool Prepare()
    {
        _before = ReadJournal(out _);
        var sigs = new List<string>();
        foreach (var path in Directory.EnumerateFiles(_folder, "*", new EnumerationOptions { AttributesToSkip = 0 }))
        {
            var file = Path.GetFileName(path);
            if (SegmentName.TryParse(file, out var name, out var isHidden))
            {
                if (isHidden)
                {
                    _hidden.Add(file[1..]);
                }
                else
                {
                    _segments.Add((file, name));
                }
            }
            else if (file.EndsWith(".sig", StringComparison.Ordinal) && SegmentCompanions.TryParse(file, out _))
            {
                sigs.Add(file);
            }
        }

        _segments.Sort((a, b) => string.CompareOrdinal(a.File, b.File));
        var read = new SealedFile?[sigs.Count];
        Parallel.For(0, sigs.Count, Degree, i => read[i] = SealedFile.TryRead(_folder, sigs[i], _options.Keys));
        foreach (var seal in read)
        {
            if (seal is not null)
            {
                _seals.Add(seal.Name, seal);
            }
        }

        _report.BytesAll += _segments.Where(s => IsWanted(s.Name, SealOf(s.File)))
            .Sum(s => SealOf(s.File) is { Mistake: null } seal ? seal.Seal.Bytes : 0);
        return _segments.Count + _seals.Count > 0 || File.Exists(Path.Combine(_folder, EvidenceJournal.Name));
    }

    /// <summary>Checks all that was listed.</summary>
    public void Check(CancellationToken stop)
    {
        var firstBlocks = new Dictionary<Hash256, string>();
        foreach (var seal in _seals.Values.Where(s => s is { Mistake: null, Blocks.Count: > 0 }))
        {
            firstBlocks[seal.Blocks[0]] = seal.Segment;
        }

        var segments = new SegmentVerifier(_folder, _prefix, _report, _options.MakeIndex);
        Parallel.ForEach(_segments.Where(s => IsWanted(s.Name, SealOf(s.File))), Degree, segment =>
        {
            if (!stop.IsCancellationRequested && SealOf(segment.File) is { Mistake: null } seal
                && !segments.TryCheck(segment.File, seal, firstBlocks, stop))
            {
                lock (_gone)
                {
                    _gone.Add(segment.File);
                }
            }
        });
        if (stop.IsCancellationRequested)
        {
            _report.IsStopped = true;
            return;
        }

        CheckTogether(ReadJournalAfter());
        CheckSummary(stop);
    }

    private ParallelOptions Degree => new() { MaxDegreeOfParallelism = Math.Max(1, _options.Parallelism) };

    private void CheckTogether(EvidenceJournal? journal)
    {
        if (journal is null)
        {
            var mistake = "";
            _ = ReadJournal(out mistake);
            if (mistake is null && _seals.Count == 0)
            {
                Add(FindingKind.Journal, EvidenceJournal.Name, string.Create(CultureInfo.InvariantCulture,
                    $"None of the {_segments.Count} segments in {_folder} is sealed, and nothing proves them: ")
                    + (RecordingFolders.IsImport(_folder) ? "they were imported without the node's key (import them again with it), or "
                        : "they were recorded with evidence off (with it on, new ones are sealed), or ")
                    + "their seals and journal were removed.");
                return;
            }

            Add(FindingKind.Journal, EvidenceJournal.Name, $"The journal {_prefix}{EvidenceJournal.Name} "
                + (mistake is null ? "is missing: what was removed can't be told." : $"can't be believed: {mistake}."));
            journal = new EvidenceJournal();
        }

        CheckSeals(journal);
        CheckSegmentsWithoutSeal(journal);
        var chains = new ChainVerifier(_prefix, journal, _report);
        foreach (var chain in journal.Chains)
        {
            // A seal that a crash has left without its segment and the journal: the next start publishes both.
            var seals = _seals.Values.Where(s => s.Mistake is null && s.Seal.Chain == chain.Id
                && (s.Seal.Sequence < chain.Next || SegmentOf(s) is not null)).ToList();
            chains.Check(chain, seals, _before?.Find(chain.Id)?.Next ?? 1, _seals.Values.Any(s => s.Mistake is not null));
            _report.ChainList.Add(new VerifiedChain(
                _prefix.TrimEnd('/'), chain.Worker, chain.Id.ToString("x32", CultureInfo.InvariantCulture), chain.Next - 1,
                chain.Tip.ToString()));
        }

        foreach (ref readonly var range in journal.Removed)
        {
            _report.Removed += range.Budget + range.Age + range.FreeDisk;
        }

        if (journal.RemovedUnsealed > 0)
        {
            _report.RemovedUnsealed += journal.RemovedUnsealed;
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"{journal.RemovedUnsealed} segments{Where} were removed by a rule before they were sealed: nothing ever proved them."));
        }

        CheckAnchor(journal);
        if (_hidden.Count > 0)
        {
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"{_hidden.Count} segments{Where} are under way, or were left by a crash: ")
                + "they are sealed when they have ended, or after the next start.");
        }
    }

    // Of segments that are as they were sealed: for the others the summary is the least of it.
    private void CheckSummary(CancellationToken stop)
    {
        var strange = _report.Findings.Where(f => f.File is not null).Select(f => Path.ChangeExtension(f.File!, null))
            .ToHashSet(StringComparer.Ordinal);
        using var summary = new SummaryVerifier(_folder);
        long older = 0;
        foreach (var (file, name) in _segments)
        {
            if (stop.IsCancellationRequested || strange.Contains(Path.ChangeExtension(_prefix + file, null))
                || SealOf(file) is not { } seal || !IsWanted(name, seal))
            {
                continue;
            }

            var verdict = summary.Judge(name);
            older += verdict == SummaryVerdict.Older ? 1 : 0;
            if (verdict == SummaryVerdict.Other)
            {
                Add(FindingKind.Summary, file, $"The summary{Where} (segments-*.tls, .tlk) says something else of {_prefix}{file} than "
                    + "it and its index do: queries may leave out packets that are there. Remove these files; queries then read the "
                    + "segments.", seal);
            }
        }

        if (older > 0)
        {
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"{older} indexes{Where} are gone or were made anew since the summary took their heads: that can't be compared. Where it ")
                + "matters remove segments-*.tls and .tlk; queries then read the segments.");
        }
    }

    private void CheckSeals(EvidenceJournal journal)
    {
        foreach (var seal in _seals.Values)
        {
            var segment = SegmentOf(seal);
            if (seal.Mistake is { } mistake)
            {
                if (File.Exists(Path.Combine(_folder, seal.Name)))
                {
                    Add(FindingKind.Seal, seal.Name,
                        $"The seal {_prefix}{seal.Name} can't be believed: {mistake}. Its segment is not proven.", seal);
                }

                continue;
            }

            if (journal.Chains.Count > 0 && journal.Find(seal.Seal.Chain) is null)
            {
                Add(FindingKind.Foreign, seal.Segment,
                    $"{_prefix}{seal.Segment} is sealed in a chain that this journal does not have: it comes from another folder, "
                    + "or from before the journal was lost.", seal);
            }

            if (segment is null || _gone.Contains(segment))
            {
                var isPublished = _hidden.Contains(seal.Segment) || File.Exists(Path.Combine(_folder, seal.Segment));
                if (!isPublished && !journal.IsRemoved(seal.Seal.Chain, seal.Seal.Sequence, out _)
                    && File.Exists(Path.Combine(_folder, seal.Name)))
                {
                    Add(FindingKind.Missing, seal.Segment,
                        $"{_prefix}{seal.Segment} is missing, and no rule removed it; its seal is left.", seal);
                }

                continue;
            }

            if (segment != seal.Segment)
            {
                Add(FindingKind.Foreign, segment, $"{_prefix}{segment} is the segment {seal.Segment} under another name.", seal);
            }

            CountState(segment, seal);
        }

        foreach (var name in _gone.Where(n => SealOf(n) is null))
        {
            Add(FindingKind.Missing, name, $"{_prefix}{name} went while it was verified.");
        }
    }

    private void CountState(string segment, SealedFile seal)
    {
        if (seal.Seal.State == SealState.Recovered)
        {
            _report.Recovered++;
            var isCut = SegmentName.TryParse(segment, out var name, out _) && name.IsRecovered;
            _report.Note($"{_prefix}{segment} was left by a crash or a failing disk{(isCut ? ": its end is lost, and" : ":")} it is proven "
                + $"since {TimeText.Text(seal.Seal.SealedNs)}, when it was sealed as it was found.");
        }
        else if (seal.Seal.State == SealState.Imported)
        {
            _report.Imported++;
        }
    }

    private void CheckSegmentsWithoutSeal(EvidenceJournal journal)
    {
        long paused = 0;
        long waiting = 0;
        var last = LastSealed(journal);
        foreach (var (file, name) in _segments)
        {
            if (SealOf(file) is not null || !IsWanted(name, null) || !File.Exists(Path.Combine(_folder, file))
                || File.Exists(Path.Combine(_folder, Path.ChangeExtension(file, ".sig"))))
            {
                continue;
            }

            var (sequence, startNs) = last.GetValueOrDefault(name.Worker);
            if (journal.IsPaused(name.StartNs))
            {
                paused++;
            }
            else if (journal.MayWait(name, sequence, startNs))
            {
                waiting++;
            }
            else
            {
                _report.Add(new VerifyFinding(FindingKind.Unsealed, $"{_prefix}{file} has no seal: it was put there, its seal was removed, "
                    + "or could not be written.") { File = _prefix + file, SinceNs = name.StartNs });
            }
        }

        if (waiting > 0)
        {
            _report.NotSealedYet += waiting;
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"{waiting} segments{Where} are newer than the last sealed one and not sealed yet: they get their seals as hashing ")
                + "keeps up or, where recording broke off, after the next start. Nothing proves them until then.");
        }

        if (paused > 0)
        {
            _report.Unsealed += paused;
            _report.Note(string.Create(CultureInfo.InvariantCulture,
                $"{paused} segments{Where} are of a time without seals (evidence off, or before it): nothing proves them."));
        }
    }

    // Of each worker's chain that goes on: the highest sequence of which the seal is here, and the time in its name.
    private Dictionary<ushort, (long Sequence, long StartNs)> LastSealed(EvidenceJournal journal)
    {
        var last = new Dictionary<ushort, (long Sequence, long StartNs)>();
        foreach (var seal in _seals.Values.Where(s => s.Mistake is null && journal.LastOf(s.Seal.Worker)?.Id == s.Seal.Chain))
        {
            if (seal.Seal.Sequence > last.GetValueOrDefault(seal.Seal.Worker).Sequence)
            {
                last[seal.Seal.Worker] = (seal.Seal.Sequence, seal.StartNs);
            }
        }

        return last;
    }

    private void CheckAnchor(EvidenceJournal journal)
    {
        if (_options.Anchor is not { } path || _prefix.Length > 0)
        {
            return;
        }

        if (ReadJournal(path, out var mistake) is not { } anchor)
        {
            _report.Add(new VerifyFinding(FindingKind.Journal, $"The anchor {path} can't be believed: {mistake ?? "it is missing"}.")
                { File = path });
            return;
        }

        foreach (var kept in anchor.Chains)
        {
            var now = journal.Find(kept.Id);
            var last = kept.Next - 1;
            var link = last == 0 ? kept.Tip
                : _seals.Values.FirstOrDefault(s => s.Mistake is null && s.Seal.Chain == kept.Id && s.Seal.Sequence == last)?.Seal.Link
                ?? (journal.IsRemoved(kept.Id, last, out var range) && range.Last == last ? range.Tip : null);
            if (now is null || now.Next < kept.Next || (link is { } known && known != kept.Tip))
            {
                _report.Add(new VerifyFinding(FindingKind.Journal, string.Create(CultureInfo.InvariantCulture,
                    $"The recording does not go on from the anchor of {TimeText.Text(anchor.WrittenNs)}: ")
                    + string.Create(CultureInfo.InvariantCulture, $"worker {kept.Worker} had sealed {last} segments ")
                    + (now is null ? "in a chain that is gone."
                        : now.Next < kept.Next ? string.Create(CultureInfo.InvariantCulture, $"then, and has {now.Next - 1} now.")
                        : "then, and others stand in their place."))
                    { File = EvidenceJournal.Name, SinceNs = anchor.WrittenNs });
            }
        }
    }

    // A seal becomes visible a moment before the journal has it.
    private EvidenceJournal? ReadJournalAfter()
    {
        for (var attempt = 0; ; attempt++)
        {
            var journal = ReadJournal(out _);
            if (attempt == JournalTries || (journal is not null
                && _seals.Values.All(s => s.Mistake is not null || journal.Find(s.Seal.Chain) is not { } c || s.Seal.Sequence < c.Next
                    || SegmentOf(s) is null)))
            {
                return journal;
            }

            if (journal is null && _before is null)
            {
                return null;
            }

            Thread.Sleep(JournalPauseMs);
        }
    }

    private EvidenceJournal? ReadJournal(out string? mistake) => ReadJournal(Path.Combine(_folder, EvidenceJournal.Name), out mistake);

    // Null without a mistake: there is none.
    private EvidenceJournal? ReadJournal(string path, out string? mistake)
    {
        mistake = null;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                return null;
            }

            if (file.Length <= Limits.EvidenceJournalBytesMax)
            {
                return EvidenceJournal.TryRead(File.ReadAllBytes(path), _options.Keys, out mistake);
            }

            mistake = $"it has {file.Length} bytes";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistake = $"it can't be read ({e.Message})";
        }

        return null;
    }

    private SealedFile? SealOf(string segment) => _seals.GetValueOrDefault(Path.ChangeExtension(segment, ".sig"));

    private string? SegmentOf(SealedFile seal)
    {
        if (_byStem.Count == 0)
        {
            foreach (var (file, _) in _segments)
            {
                _byStem[Path.ChangeExtension(file, null)] = file;
            }
        }

        return _byStem.GetValueOrDefault(Path.ChangeExtension(seal.Name, null));
    }

    private bool IsWanted(in SegmentName name, SealedFile? seal) =>
        name.StartNs < _options.UntilNs
        && (seal is { Mistake: null } ? seal.Seal.SealedNs : name.StartNs + Limits.SegmentSpanNs) >= _options.SinceNs;

    private string Where => _prefix.Length == 0 ? "" : $" of {_prefix.TrimEnd('/')}";

    private void Add(FindingKind kind, string file, string sentence, SealedFile? seal = null) =>
        _report.Add(new VerifyFinding(kind, sentence)
        {
            File = _prefix + file, SinceNs = seal?.StartNs,
            UntilNs = seal is { Mistake: null } ? Math.Max(seal.StartNs, seal.Seal.SealedNs) : null,
        });
}
