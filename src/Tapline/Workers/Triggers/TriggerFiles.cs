// The files of triggers, made one after the other when they are due, and kept in a journal until they are made. When the engine ends, those
// that are left are made at once, within a bounded time, and say where they were cut; what can't be made then is made at the next
// start. One thread of its own, of the lowest priority; the desk adds.
using Tapline.Base;

namespace Tapline.Workers.Triggers;

/// <summary>Makes files. Started once; disposed after the recorders have closed their segments.</summary>
internal sealed class TriggerFiles : IDisposable
{
    private const int TickMs = 200;

    // A flow is found by its segment's index, which a start may have to make first.
    private const long StartNs = 10 * Clock.SecondNs;
    private static readonly TimeSpan s_endTimeMax = TimeSpan.FromSeconds(20);
    private readonly ITriggerExtract _extract;
    private readonly Action<TriggerFiring, string?> _tell;
    private readonly Action<string> _say;
    private readonly Func<long> _now;
    private readonly long _folderBytesMax;
    private readonly List<TriggerFiring> _due = [];
    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _ending = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    /// <param name="extract">Who makes them.</param>
    /// <param name="tell">Hears how each went: null, or what was wrong.</param>
    /// <param name="say">Gets sentences. Both on the files' thread.</param>
    /// <param name="now">The clock.</param>
    /// <param name="folderBytesMax">All files together.</param>
    public TriggerFiles(
        ITriggerExtract extract, Action<TriggerFiring, string?> tell, Action<string> say, Func<long> now,
        long folderBytesMax = Limits.TriggerBudgetBytesDefault)
    {
        (_extract, _tell, _say, _now, _folderBytesMax) = (extract, tell, say, now, folderBytesMax);
        _thread = new Thread(Make) { Name = "tl-extract", IsBackground = true, Priority = ThreadPriority.Lowest };
    }

    /// <summary>Takes over what an earlier run left undone.</summary>
    public void Resume(IReadOnlyList<TriggerPlan> plans)
    {
        var left = TriggerJournal.Read(_extract.Folder, plans, out var mistake);
        if (mistake is not null)
        {
            _say(mistake);
        }

        var nowNs = _now();
        lock (_gate)
        {
            _due.AddRange(left.Select(f => !f.IsOpen ? f with { DueNs = Math.Max(f.DueNs, nowNs + StartNs) } : f with
            {
                IsOpen = false, UntilNs = Math.Max(f.SinceNs, Math.Min(f.UntilNs, nowNs)), DueNs = nowNs + StartNs,
                Cut = "The engine ended before the flow did: the rest of it is another flow.",
            }));
        }

        if (left.Count > 0)
        {
            _say($"Files of triggers that were due when the engine ended last: {left.Count}; they are made now.");
        }
    }

    public void Start() => _thread.Start();

    /// <summary>Makes a file when it is due; false when too many wait.</summary>
    public bool TryAdd(TriggerFiring firing)
    {
        lock (_gate)
        {
            if (_due.Count >= Limits.TriggerFilesWaitingMax)
            {
                return false;
            }

            _due.Add(firing);
            WriteJournal();
            return true;
        }
    }

    /// <summary>The window of a file that was added is another one.</summary>
    public void Change(TriggerFiring before, TriggerFiring after)
    {
        lock (_gate)
        {
            var place = _due.IndexOf(before);
            if (place >= 0)
            {
                _due[place] = after;
                WriteJournal();
            }
        }
    }

    /// <summary>Makes what is left, cut at the end, and stops. Everything that was recorded can be read.</summary>
    public void Dispose()
    {
        _stop.CancelAfter(s_endTimeMax);
        _ending.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        if (_due.Count > 0)
        {
            _say($"Files of triggers that are not made yet: {_due.Count}; the next start makes them.");
        }

        _stop.Dispose();
        _ending.Dispose();
    }

    private void Make()
    {
        while (!_stop.IsCancellationRequested)
        {
            var isEnding = _ending.Wait(TickMs);
            if (Next(isEnding) is { } firing)
            {
                Make(firing, isEnding);
            }
            else if (isEnding)
            {
                return;
            }
        }
    }

    private TriggerFiring? Next(bool isEnding)
    {
        lock (_gate)
        {
            TriggerFiring? next = null;
            for (var place = 0; place < _due.Count; place++)
            {
                next = next is null || _due[place].DueNs < next.DueNs ? _due[place] : next;
            }

            return next is not null && (isEnding || next.DueNs <= _now()) ? next : null;
        }
    }

    private void Make(TriggerFiring firing, bool isEnding)
    {
        var nowNs = _now();
        var mistake = _extract.Run(!isEnding || firing.UntilNs <= nowNs ? firing : firing with
        {
            Cut = $"The engine ended at {TimeText.Text(nowNs)}, before the window was over: it is cut there.",
        }, isEnding, _stop.Token);
        if (mistake is not null && _stop.IsCancellationRequested)
        {
            return; // it stays in the journal
        }

        lock (_gate)
        {
            _due.Remove(firing);
            WriteJournal();
        }

        _tell(firing, mistake);
        if (mistake is not null)
        {
            _say($"The file of trigger {firing.Plan.Name} could not be made, its window is held: {mistake}");
            return;
        }

        Trim();
    }

    private void Trim()
    {
        try
        {
            foreach (var name in TriggerShelf.Trim(_extract.Folder, _folderBytesMax))
            {
                _say($"{name} was removed: files of triggers may take {_folderBytesMax >> 20} MiB together, and it was the oldest.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _say($"The oldest files of triggers can't be removed: {e.Message}");
        }
    }

    private void WriteJournal()
    {
        if (TriggerJournal.TryWrite(_extract.Folder, _due) is { } mistake)
        {
            _say(mistake);
        }
    }
}
