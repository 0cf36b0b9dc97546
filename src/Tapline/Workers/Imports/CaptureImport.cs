// Captures into a recording: first each is looked through, so that nothing is written that was imported before or that the disk
// can't hold; then all are recorded in the order of time into a folder of hidden name, which becomes visible when it is whole.
// An engine may record into the same data folder meanwhile. One thread, and the recorder's writer.
using System.Globalization;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Index;
using Tapline.Workers.Indexing;

namespace Tapline.Workers.Imports;

/// <summary>Runs imports.</summary>
public sealed class CaptureImport
{
    private readonly ImportOptions _options;
    private readonly ImportProgress? _progress;
    private readonly CancellationToken _stop;
    private readonly List<string> _notes = [];
    private readonly ImportPoints _points = new();
    private long _totalBytes;

    private CaptureImport(ImportOptions options, ImportProgress? progress, CancellationToken stop)
    {
        _options = options;
        _progress = progress;
        _stop = stop;
    }

    /// <summary>Imports; null with one sentence when nothing was imported.</summary>
    /// <param name="options">What, and where to.</param>
    /// <param name="progress">Told how far it is; may be null. The calling thread.</param>
    /// <param name="stop">Ends it soon; then nothing is imported.</param>
    /// <param name="notes">What else is to be told, one sentence each: leftovers removed, captures that are damaged.</param>
    /// <param name="error">The sentence.</param>
    public static ImportReport? Run(
        ImportOptions options, ImportProgress? progress, CancellationToken stop, out IReadOnlyList<string> notes, out string error)
    {
        ArgumentNullException.ThrowIfNull(options);
        var run = new CaptureImport(options, progress, stop);
        notes = run._notes;
        try
        {
            error = run.Run(out var report) ?? "";
            return report;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The import failed: {e.Message}";
            return null;
        }
    }

    private string? Run(out ImportReport? report)
    {
        report = null;
        if (_options.Files.Count > Limits.ImportFilesMax)
        {
            return $"An import takes at most {Limits.ImportFilesMax} captures; import them in several runs.";
        }

        if (_options.Files.Count(f => f == "-") > 1)
        {
            return "Standard input (-) can be read only once.";
        }

        if (_options.Name is { } wanted && Refuse(wanted) is { } refusal)
        {
            return refusal;
        }

        _notes.AddRange(ImportShelf.SettleLeftovers(_options.Recording));
        _notes.AddRange(ImportShelf.RemoveExpired(_options.Recording, Clock.NowNs()));
        var captures = new List<ImportedCapture>();
        if ((Survey(captures) ?? FindTwice(captures) ?? FindRoom(captures)) is { } mistake)
        {
            return mistake;
        }

        var name = _options.Name ?? ImportShelf.FreeName(_options.Recording, _options.Files[0]);
        return Record(name, captures, out report);
    }

    private string? Refuse(string name)
    {
        if (!ImportShelf.IsName(name))
        {
            return "The name of an import has letters, digits, dots, dashes and underscores, 64 at most, and no dot in front.";
        }

        var folder = Path.Combine(ImportShelf.PathOf(_options.Recording), name);
        return Directory.Exists(folder)
            ? $"There is an import {name}; give this one another --name, or remove that one: `rm -r {folder}`." : null;
    }

    private string? Survey(List<ImportedCapture> captures)
    {
        _totalBytes = _options.Files.Contains("-") ? 0 : 2 * _options.Files.Sum(f => new FileInfo(f) is { Exists: true } i ? i.Length : 0);
        var (frames, bytes) = (0L, 0L);
        foreach (var file in _options.Files)
        {
            var capture = CaptureSurvey.Look(
                file, _options.Filter, _points, (f, b) => _progress?.Invoke(frames + f, bytes + b, _totalBytes), _stop, out var error);
            if (_stop.IsCancellationRequested)
            {
                return "Stopped; nothing was imported.";
            }

            if (capture is null || (capture.Sha256 is null && !capture.IsPipe))
            {
                capture = new ImportedCapture { File = file, Fault = error };
                _notes.Add(error);
            }
            else if (capture.Fault is { } fault)
            {
                _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{fault} The {capture.Frames} frames before that are imported."));
            }

            frames += capture.Frames;
            bytes += capture.Bytes;
            captures.Add(capture);
        }

        if (captures.All(c => c.Fault is not null && c.Frames == 0))
        {
            return "No capture could be read; nothing was imported.";
        }

        return ImportMerge.Overlap([.. captures.Where(c => c.IsPipe || c.Frames > 0)]) > ImportMerge.LanesMax
            ? $"More than {ImportMerge.LanesMax} captures overlap in time; import them in several runs." : null;
    }

    // The same bytes again would give every packet twice.
    private string? FindTwice(List<ImportedCapture> captures)
    {
        if (_options.TakesAgain)
        {
            return null;
        }

        var known = new Dictionary<string, string>();
        foreach (var import in ImportShelf.List(_options.Recording))
        {
            foreach (var capture in import.Captures.Where(c => c.Sha256 is not null))
            {
                known.TryAdd(capture.Sha256!, $"was imported before, as {import.Name}");
            }
        }

        foreach (var capture in captures.Where(c => c.Sha256 is not null))
        {
            if (!known.TryAdd(capture.Sha256!, $"is the same as {capture.File}"))
            {
                return $"{capture.File} {known[capture.Sha256!]}; leave it out, or give --again to have its packets twice.";
            }
        }

        return null;
    }

    private string? FindRoom(List<ImportedCapture> captures)
    {
        // Segments, and of their indexes about four bytes a packet with the flows' own; the rest is headers and rounding.
        var needed = captures.Sum(c => c.SegmentBytes + (8 * c.Wanted)) + Limits.SegmentBytesMin;
        Directory.CreateDirectory(ImportShelf.PathOf(_options.Recording));
        var free = new DriveInfo(Path.GetFullPath(ImportShelf.PathOf(_options.Recording))).AvailableFreeSpace / 20 * 19;
        if (needed > free)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"The captures need about {needed >> 20} MiB, and the disk has {free >> 20} MiB to give: nothing was imported. ")
                + "Free some, or choose packets with --filter.";
        }

        var used = _options.BudgetBytes > 0 ? ImportShelf.BytesUsed(_options.Recording) : 0;
        return _options.BudgetBytes > 0 && used + needed > _options.BudgetBytes + Limits.SegmentBytesMin
            ? OverBudget(used, needed) : null;
    }

    private string OverBudget(long used, long needed) => string.Create(CultureInfo.InvariantCulture,
        $"The captures need about {needed >> 20} MiB, and of the budget of {_options.BudgetBytes >> 20} MiB other imports take ")
        + string.Create(CultureInfo.InvariantCulture, $"{used >> 20} MiB: nothing was imported. Raise --budget, or remove an import ")
        + $"(a folder in {ImportShelf.PathOf(_options.Recording)}).";

    private string? Record(string name, List<ImportedCapture> captures, out ImportReport? report)
    {
        report = null;
        var shelf = ImportShelf.PathOf(_options.Recording);
        var hidden = Path.Combine(shelf, "." + name);
        var rules = new RetentionRules { BudgetBytes = long.MaxValue / 4 };
        using (var folder = SegmentFolder.TryOpen(hidden, rules, out var error, evidence: _options.Evidence))
        {
            if (folder is null)
            {
                return error;
            }

            var failure = Fill(folder, name, captures, out report);
            if (failure is not null)
            {
                report = null;
                Directory.Delete(hidden, recursive: true);
                return $"{failure} Nothing was imported.";
            }
        }

        try
        {
            Directory.Move(hidden, Path.Combine(shelf, name));
        }
        catch (DirectoryNotFoundException) when (Directory.Exists(Path.Combine(shelf, name)))
        {
            // An engine that has just started has done it (ImportShelf.SettleLeftovers).
        }

        return null;
    }

    private string? Fill(SegmentFolder folder, string name, List<ImportedCapture> captures, out ImportReport? report)
    {
        report = null;
        var present = captures.Where(c => c.IsPipe || c.Frames > 0).ToList();
        var merge = new ImportMerge(present, _points);
        using var writer = new ImportWriter(folder, _options, present, _points);
        merge.Run(
            writer, () => writer.Failure is not null, (f, b) => _progress?.Invoke(f, (_totalBytes / 2) + b, _totalBytes), _stop);
        if (_stop.IsCancellationRequested)
        {
            return "Stopped.";
        }

        writer.End();
        if (writer.Failure is { } failure)
        {
            return failure;
        }

        _notes.AddRange(merge.Faults);
        if (writer.WithoutSeal > 0)
        {
            _notes.Add(string.Create(CultureInfo.InvariantCulture,
                $"{writer.WithoutSeal} segments could not be sealed; `tapline verify` names them."));
        }

        CompleteIndexes(folder);
        var bytes = ImportBytes(folder.Path);
        var used = _options.BudgetBytes > 0 ? ImportShelf.BytesUsed(_options.Recording) : 0;
        if (_options.BudgetBytes > 0 && used > _options.BudgetBytes)
        {
            return OverBudget(used - bytes, bytes);
        }

        report = new ImportReport
        {
            Name = name,
            MadeNs = Clock.NowNs(),
            KeepNs = _options.KeepNs,
            Filter = _options.FilterText,
            Captures = captures,
            Frames = writer.Recorded,
            Filtered = writer.Filtered,
            TimeSteps = writer.TimeSteps,
            Segments = folder.Segments,
            Points = _points.All.Count,
            Bytes = bytes,
            FirstNs = writer.Recorded > 0 ? writer.FirstNs : 0,
            LastNs = writer.Recorded > 0 ? writer.LastNs : 0,
        };
        ImportAccount.Save(folder.Path, report);
        return null;
    }

    // A segment goes without when its predecessors' indexes are still being written.
    private void CompleteIndexes(SegmentFolder folder)
    {
        foreach (var segment in folder.ListSegments())
        {
            if (!File.Exists(SegmentIndex.PathOf(segment)) && !SegmentIndexer.TryIndex(segment, out var sentence, _stop))
            {
                _notes.Add(sentence);
            }
        }
    }

    private static long ImportBytes(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(f => f.Length);
}
