// The triggers of a recording: takes word from the workers a few times a second, makes a hold at once, and when the window is over and
// on disk lets its file be made. Bounded in every direction that traffic can push: a pause after each match, holds per trigger,
// files that wait. Two threads of its own, one that must not wait and one that may. Owns neither watches nor folders.
using System.Collections.Concurrent;
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Holds;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>Follows triggers. Made on the control thread; disposed after the workers have ended.</summary>
internal sealed class TriggerDesk : IDisposable
{
    private const int TickMs = 200;

    // A frame is on disk at the latest a second after it was taken; queries read a segment under way up to there.
    private const long FlushNs = 3 * Clock.SecondNs;

    // A flow is found by its segment's index, which is there when the segment has ended.
    private const long IndexNs = (Limits.SegmentSpanNs / 2) + (5 * Clock.SecondNs);
    private readonly string _folder;
    private readonly TriggerWatch[] _watches;
    private readonly TriggerState[] _states;
    private readonly long[] _quietUntilNs;
    private readonly ITriggerExtract? _extract;
    private readonly Action<string> _say;
    private readonly Func<long> _now;
    private readonly ConcurrentQueue<TriggerFiring> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _taker;
    private readonly Thread _maker;

    /// <param name="folder">The recording, whose holds are changed.</param>
    /// <param name="plans">The triggers, in the watches' order.</param>
    /// <param name="watches">One for each worker.</param>
    /// <param name="extract">Who makes files; null = only holds are made.</param>
    /// <param name="say">Gets a sentence for each match. The desk's threads.</param>
    /// <param name="now">The clock; null = the wall clock.</param>
    public TriggerDesk(
        string folder, IReadOnlyList<TriggerPlan> plans, TriggerWatch[] watches, ITriggerExtract? extract, Action<string> say,
        Func<long>? now = null)
    {
        _folder = folder;
        _watches = watches;
        _states = [.. plans.Select(p => new TriggerState(p))];
        _quietUntilNs = new long[plans.Count];
        _extract = extract;
        _say = say;
        _now = now ?? Clock.NowNs;
        _taker = new Thread(Take) { Name = "tl-trigger", IsBackground = true };
        _maker = new Thread(Make) { Name = "tl-extract", IsBackground = true, Priority = ThreadPriority.Lowest };
    }

    /// <summary>How each has fared.</summary>
    public IReadOnlyList<TriggerState> States => _states;

    public void Start()
    {
        _taker.Start();
        _maker.Start();
    }

    public void Dispose()
    {
        _stop.Cancel();
        if (_taker.IsAlive)
        {
            _taker.Join();
            _maker.Join();
        }

        if (!_waiting.IsEmpty)
        {
            _say($"{_waiting.Count} files of triggers were not made, the program ends; their windows are held: `tapline hold list`.");
        }

        _stop.Dispose();
    }

    /// <summary>One look at all cells; tests call it directly.</summary>
    internal void Look()
    {
        foreach (var watch in _watches)
        {
            for (var index = 0; index < _states.Length; index++)
            {
                if (watch.TryTake(index, out var fired))
                {
                    if (fired.LastNs >= _quietUntilNs[index])
                    {
                        Fire(index, fired);
                    }

                    watch.Arm(index, _quietUntilNs[index]);
                }
            }
        }
    }

    private void Take()
    {
        do
        {
            Look();
        }
        while (!_stop.Token.WaitHandle.WaitOne(TickMs));
        Look(); // what the workers' last flows have set off
    }

    private void Fire(int index, in TriggerCell fired)
    {
        var state = _states[index];
        var plan = state.Plan;
        _quietUntilNs[index] = fired.LastNs + Math.Max(1, plan.PauseNs);
        var flow = fired.HasFlow == 0 ? null : CommunityId.ToText(fired.Flow);
        var isOfFlow = plan.IsOfFlow && flow is not null;
        var untilNs = fired.LastNs + plan.AfterNs;
        var firing = new TriggerFiring(
            plan, fired.LastNs, fired.FirstNs - plan.BeforeNs, untilNs,
            Math.Max(untilNs, _now()) + FlushNs + (isOfFlow ? IndexNs : 0), flow);
        if (Hold(firing) is { } mistake)
        {
            state.CountRefused(mistake);
            _say($"Trigger {plan.Name} was set off at {TimeText.Text(fired.LastNs)}, and nothing is held: {mistake}");
            return;
        }

        state.CountFired(fired.LastNs);
        var by = flow is null ? "" : $" by flow {flow}";
        _say($"Trigger {plan.Name} was set off at {TimeText.Text(fired.LastNs)}{by}: its window is held.");
        if (_extract is null)
        {
            return;
        }

        if (_waiting.Count >= Limits.TriggerFilesWaitingMax)
        {
            state.CountFile("too many files wait to be made; this one's window is held, and `tapline query` takes it out.");
            return;
        }

        _waiting.Enqueue(firing);
    }

    private string? Hold(TriggerFiring firing)
    {
        var plan = firing.Plan;
        if (HoldFile.TryRead(_folder, out var error) is not { } holds)
        {
            return error;
        }

        if (holds.Holds.Count(h => h.By == plan.By) >= plan.HoldsMax)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"it has {plan.HoldsMax} holds already; remove those that nobody needs (`tapline hold list`), or raise its limit.");
        }

        var why = firing.CommunityId is null ? plan.When : $"{plan.When} (flow {firing.CommunityId})";
        return HoldFile.TryAdd(_folder, new Hold
        {
            Id = 0,
            SinceNs = firing.SinceNs,
            UntilNs = firing.UntilNs,
            By = plan.By,
            Why = why.Length <= Limits.HoldTextCharactersMax ? why : why[..Limits.HoldTextCharactersMax],
            AddedNs = _now(),
        }, out error) is null ? error : null;
    }

    // Files are made one after the other, in the order in which they are due.
    private void Make()
    {
        var due = new PriorityQueue<TriggerFiring, long>();
        while (!_stop.Token.WaitHandle.WaitOne(TickMs))
        {
            while (due.Count < Limits.TriggerFilesWaitingMax && _waiting.TryDequeue(out var next))
            {
                due.Enqueue(next, next.DueNs);
            }

            if (due.TryPeek(out var firing, out var dueNs) && dueNs <= _now())
            {
                _ = due.Dequeue();
                var mistake = _extract!.Run(firing, _stop.Token);
                Array.Find(_states, s => s.Plan == firing.Plan)!.CountFile(mistake);
                if (mistake is not null)
                {
                    _say($"The file of trigger {firing.Plan.Name} could not be made: {mistake}");
                }
            }
        }

        while (due.TryDequeue(out var left, out _))
        {
            _waiting.Enqueue(left);
        }
    }
}
