// Looks after the indexes of a recording that is opened: segments of a crash and those that went without get one, damaged ones
// are made anew. One thread of its own at the lowest priority, folder by folder, newest segments first, one at a time; the recording
// goes on meanwhile. Says in one sentence what it did, when there was anything to do.
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Record.Index;

namespace Tapline.Workers.Indexing;

/// <summary>Repairs the indexes of a recording's folders in the background. Dispose stops it soon.</summary>
public sealed class IndexRepair : IDisposable
{
    private readonly IReadOnlyList<SegmentFolder> _folders;
    private readonly Action<string> _say;
    private readonly Thread _thread;
    private readonly CancellationTokenSource _stop = new();

    private IndexRepair(IReadOnlyList<SegmentFolder> folders, Action<string> say)
    {
        _folders = folders;
        _say = say;
        _thread = new Thread(Run) { Name = "tl-index", IsBackground = true, Priority = ThreadPriority.Lowest };
    }

    /// <summary>Starts. <paramref name="say"/> is called on its thread.</summary>
    public static IndexRepair Start(IReadOnlyList<SegmentFolder> folders, Action<string> say)
    {
        var repair = new IndexRepair(folders, say);
        repair._thread.Start();
        return repair;
    }

    /// <summary>Waits until nothing is left to do; false when it does not come in time.</summary>
    public bool Join(TimeSpan timeout) => _thread.Join(timeout);

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            Repair();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _say($"The recording's missing indexes can't be made: {e.Message}");
        }
    }

    private void Repair()
    {
        var made = 0;
        var failed = 0;
        string? why = null;
        foreach (var (folder, segment) in _folders.SelectMany(f => f.ListSegments().Select(s => (f, s))))
        {
            if (_stop.IsCancellationRequested)
            {
                break;
            }

            if (!NeedsIndex(segment))
            {
                continue;
            }

            if (SegmentIndexer.TryIndex(segment, out var sentence, _stop.Token))
            {
                made++;
                folder.CountIndex(segment);
            }
            else if (File.Exists(segment) && !_stop.IsCancellationRequested)
            {
                failed++;
                why = sentence;
            }
        }

        if (made > 0)
        {
            _say(made == 1
                ? "1 segment of the recording had no index and has one now."
                : $"{made} segments of the recording had no index and have one now.");
        }

        if (failed > 0)
        {
            _say($"{failed} {(failed == 1 ? "segment has" : "segments have")} no index; queries read all of their packets. {why}");
        }
    }

    private static bool NeedsIndex(string segment)
    {
        try
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), SegmentInput.LengthOf(segment), out var verdict);
            return index is null && verdict is not (IndexVerdict.UnknownVersion or IndexVerdict.Locked);
        }
        catch (ContainerException e)
        {
            return e.MissingKey is null; // what it holds is asked for when its index is made
        }
        catch (FileNotFoundException)
        {
            return false; // removed meanwhile
        }
    }
}
