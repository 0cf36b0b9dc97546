// The triggers of a recording: takes word from the workers a few times a second, makes a hold at once, follows flows that are protected
// whole to their end, and lets files be made. Bounded in every direction that traffic can push: a pause after each match, matches an hour,
// holds per trigger, files that wait. A thread of its own, which must not wait for files. Owns neither watches nor folders.
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Holds;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>Follows triggers. Made on the control thread; disposed after the workers have ended.</summary>
internal sealed class TriggerDesk : IDisposable
{
    private const int TickMs = 200;
    private const long PauseNsMin = Clock.SecondNs / 1000; // file names have milliseconds
    private const long HourNs = 3600 * Clock.SecondNs;

    // A frame is on disk at the latest a second after it was taken; queries read a segment under way up to there.
    private const long FlushNs = 3 * Clock.SecondNs;

    // A flow is found by its segment's index, which is there when the segment has ended.
    private const long IndexNs = (Limits.SegmentSpanNs / 2) + (5 * Clock.SecondNs);
    private readonly string _folder;
    private readonly TriggerWatch[] _watches;
    private readonly TriggerState[] _states;
    private readonly Queue<long>[] _lastHour;
    private readonly long[] _quietUntilNs;
    private readonly List<Followed> _followed = [];
    private readonly TriggerFiles? _files;
    private readonly Action<string> _say;
    private readonly Func<long> _now;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _taker;
    private bool _isFinished;

    /// <param name="folder">The recording, whose holds are changed.</param>
    /// <param name="plans">The triggers, in the watches' order.</param>
    /// <param name="watches">One for each worker.</param>
    /// <param name="extract">Who makes files; null = only holds are made.</param>
    /// <param name="say">Gets a sentence for each match. The desk's threads.</param>
    /// <param name="filesBytesMax">Disk space for all files.</param>
    /// <param name="now">The clock; null = the wall clock.</param>
    public TriggerDesk(
        string folder, IReadOnlyList<TriggerPlan> plans, TriggerWatch[] watches, ITriggerExtract? extract, Action<string> say,
        long filesBytesMax = Limits.TriggerBudgetBytesDefault, Func<long>? now = null)
    {
        _folder = folder;
        _watches = watches;
        _states = [.. plans.Select(p => new TriggerState(p))];
        _lastHour = [.. plans.Select(p => new Queue<long>(p.HourlyMax))];
        _quietUntilNs = new long[plans.Count];
        _say = say;
        _now = now ?? Clock.NowNs;
        _files = extract is null ? null : new TriggerFiles(
            extract, (firing, mistake) => Array.Find(_states, s => s.Plan == firing.Plan)?.CountFile(mistake), say, _now, filesBytesMax);
        _files?.Resume(plans);
        _taker = new Thread(Take) { Name = "tl-trigger", IsBackground = true };
    }

    /// <summary>How each has fared.</summary>
    public IReadOnlyList<TriggerState> States => _states;

    public void Start()
    {
        _taker.Start();
        _files?.Start();
    }

    /// <summary>
    /// Takes what the last flows have set off and makes the files that are left, cut at the end; takes seconds. The workers have ended.
    /// </summary>
    public void Finish()
    {
        if (_isFinished)
        {
            return;
        }

        _isFinished = true;
        _stop.Set();
        if (_taker.IsAlive)
        {
            _taker.Join();
        }

        _files?.Dispose();
    }

    public void Dispose()
    {
        Finish();
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
                    if (fired.LastNs < _quietUntilNs[index] || !Fire(watch, index, fired))
                    {
                        GiveUp(watch, fired.Followed);
                    }

                    watch.Arm(index, _quietUntilNs[index]);
                }
            }
        }

        for (var place = _followed.Count - 1; place >= 0; place--)
        {
            LookAtFollowed(place);
        }
    }

    private void Take()
    {
        do
        {
            Look();
        }
        while (!_stop.Wait(TickMs));
        Look(); // what the workers' last flows have set off
    }

    // False when the flow need not be followed.
    private bool Fire(TriggerWatch watch, int index, in TriggerCell fired)
    {
        var state = _states[index];
        var plan = state.Plan;
        _quietUntilNs[index] = fired.LastNs + Math.Max(PauseNsMin, plan.PauseNs);
        if (!IsWithinHour(index, fired.LastNs))
        {
            Suppress(state);
            return false;
        }

        var flow = fired.HasFlow == 0 ? null : CommunityId.ToText(fired.Flow);
        var firing = NewFiring(plan, fired, flow);
        if (Hold(firing, out var mistake) is not { } hold)
        {
            state.CountRefused(mistake!);
            _say($"Trigger {plan.Name} was set off at {TimeText.Text(fired.LastNs)}, and nothing is held: {mistake}");
            return false;
        }

        _lastHour[index].Enqueue(fired.LastNs);
        state.CountFired(fired.LastNs);
        var by = flow is null ? "" : $" by flow {flow}";
        _say($"Trigger {plan.Name} was set off at {TimeText.Text(fired.LastNs)}{by}: its window is held.");
        if (_files?.TryAdd(firing) == false)
        {
            state.CountFile("too many files wait to be made; this one's window is held, and `tapline query` takes it out.");
        }

        if (firing.IsOpen)
        {
            _followed.Add(new Followed(firing, watch, fired.Followed, hold.Id));
        }

        return true;
    }

    private TriggerFiring NewFiring(TriggerPlan plan, in TriggerCell fired, string? flow)
    {
        var isOfFlow = plan.IsOfFlow && flow is not null;
        var isOpen = fired.Followed != 0;
        var untilNs = fired.LastNs + (isOpen ? Limits.TriggerFollowNs : 0) + plan.AfterNs;
        return new TriggerFiring(plan, fired.LastNs, fired.FirstNs - plan.BeforeNs, untilNs, DueNs(untilNs, isOfFlow), flow)
        {
            IsOpen = isOpen,
            Cut = isOfFlow && !isOpen && fired.Flow.EndReason == FlowEndReason.None
                ? $"More than {Limits.TriggerFollowedMax} flows are followed: this one may go on." : null,
        };
    }

    private long DueNs(long untilNs, bool isOfFlow) => Math.Max(untilNs, _now()) + FlushNs + (isOfFlow ? IndexNs : 0);

    private bool IsWithinHour(int index, long timeNs)
    {
        var times = _lastHour[index];
        while (times.TryPeek(out var first) && first <= timeNs - HourNs)
        {
            _ = times.Dequeue();
        }

        return times.Count < _states[index].Plan.HourlyMax;
    }

    private void Suppress(TriggerState state)
    {
        var sentence = string.Create(CultureInfo.InvariantCulture,
            $"it was set off {state.Plan.HourlyMax} times within an hour; further matches are counted as suppressed. Raise its limit.");
        if (state.Notice != sentence)
        {
            _say($"Trigger {state.Plan.Name}: {sentence}");
        }

        state.CountSuppressed(sentence);
    }

    private Hold? Hold(TriggerFiring firing, out string? error)
    {
        var plan = firing.Plan;
        var nowNs = _now();
        if (HoldFile.TryRead(_folder, out error)?.At(nowNs) is not { } holds)
        {
            return null;
        }

        if (holds.Holds.Count(h => h.By == plan.By) >= plan.HoldsMax)
        {
            error = string.Create(CultureInfo.InvariantCulture,
                $"it has {plan.HoldsMax} holds already; remove those that nobody needs (`tapline hold list`), or raise `holds`.");
            return null;
        }

        var why = firing.CommunityId is null ? plan.When : $"{plan.When} (flow {firing.CommunityId})";
        return HoldFile.TryAdd(_folder, new Hold
        {
            Id = 0,
            SinceNs = firing.SinceNs,
            UntilNs = firing.UntilNs,
            By = plan.By,
            Why = why.Length <= Limits.HoldTextCharactersMax ? why : why[..Limits.HoldTextCharactersMax],
            AddedNs = nowNs,
            ExpiresNs = plan.HoldForNs == 0 ? 0 : nowNs + plan.HoldForNs,
        }, out error);
    }

    private void LookAtFollowed(int place)
    {
        var item = _followed[place];
        var firing = item.Firing;
        string? cut = null;
        if (!item.Watch.TryTakeEnd(item.Number, out var endNs))
        {
            if (_now() < firing.UntilNs)
            {
                return;
            }

            item.Watch.GiveUp(item.Number);
            endNs = firing.TimeNs + Limits.TriggerFollowNs;
            cut = "The flow goes on: it was followed for an hour.";
        }

        _followed.RemoveAt(place);
        var untilNs = Math.Max(endNs, firing.TimeNs) + firing.Plan.AfterNs;
        _ = HoldFile.TryEnd(_folder, item.HoldId, untilNs); // somebody may have removed it meanwhile
        _files?.Change(firing, firing with { UntilNs = untilNs, DueNs = DueNs(untilNs, isOfFlow: true), IsOpen = false, Cut = cut });
    }

    private static void GiveUp(TriggerWatch watch, int followed)
    {
        if (followed != 0)
        {
            watch.GiveUp(followed);
        }
    }

    private sealed record Followed(TriggerFiring Firing, TriggerWatch Watch, int Number, long HoldId);
}
