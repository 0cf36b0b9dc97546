// From hits to incidents: holds the window in the recording, notes the incident on disk, and when the window has passed and its
// packets are written, has the extract made by whoever the executable is: another process, so that its garbage is not the engine's.
// One thread of its own; waits for files and children, never holds up a worker. What an attacker can make ring is bounded by the
// hour, by holds and by the folder's budget; what was over is counted.
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Holds;

namespace Tapline.Workers.Triggers;

/// <summary>The triggers of a running engine.</summary>
internal sealed class TriggerDesk : IDisposable
{
    private const int LookMs = 200;
    private const long HourNs = 3600 * Clock.SecondNs;

    // What is captured now is in a file, or at least in the segment under way, when the recorder's buffers have been flushed.
    private const long SettleNs = 3 * Clock.SecondNs;
    private readonly TriggerDeskOptions _options;
    private readonly TriggerEyes[] _eyes;
    private readonly Desk[] _desks;
    private readonly List<Incident> _open = [];
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();

    public TriggerDesk(TriggerDeskOptions options, TriggerEyes[] eyes)
    {
        _options = options;
        _eyes = eyes;
        _desks = [.. options.Plans.Select(p => new Desk(p))];
        _thread = new Thread(Run) { Name = "tapline-trigger", IsBackground = true };
    }

    /// <summary>Incidents so far. Any thread.</summary>
    public long Incidents => _desks.Sum(d => Volatile.Read(ref d.Incidents));

    /// <summary>Hits that became no incident, because the hour's number was reached. Any thread.</summary>
    public long Suppressed => _desks.Sum(d => Volatile.Read(ref d.Suppressed)) + _eyes.Sum(e => e.Hits.Overflowed);

    public void Start() => _thread.Start();

    /// <summary>Ends the thread. Windows that have not passed are noted on disk, and the next start takes them up.</summary>
    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _stop.Dispose();
        Array.ForEach(_eyes, e => e.Dispose());
    }

    private void Run()
    {
        Guarded(TakeUp);
        while (!_stop.Wait(LookMs))
        {
            Guarded(Look);
        }

        Guarded(TakeHits);
    }

    private void Guarded(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Tell($"The incidents in {_options.Folder} can't be written: {e.Message}");
        }
    }

    // What an earlier run left: windows that had not passed, and holds that are still to be let go.
    private void TakeUp()
    {
        Directory.CreateDirectory(_options.Folder);
        _open.AddRange(IncidentFiles.List(_options.Folder).Where(i => i.State == IncidentState.Open));
        foreach (var hold in HoldFile.TryRead(_options.Recording, out _)?.Holds ?? [])
        {
            if (Array.Find(_desks, d => hold.By == By(d.Plan)) is { } desk)
            {
                desk.Holds.Enqueue((hold.Id, hold.AddedNs));
            }
        }
    }

    private void Look()
    {
        TakeHits();
        var now = Clock.NowNs();
        foreach (var desk in _desks)
        {
            while (desk.Holds.TryPeek(out var hold)
                && (hold.AddedNs + desk.Plan.HoldNs < now || desk.Holds.Count > Limits.TriggerHoldsMax))
            {
                desk.Holds.Dequeue();
                _ = HoldFile.TryRemove(_options.Recording, hold.Id); // somebody may have removed it
            }
        }

        for (var i = 0; i < _open.Count && !_stop.IsSet; i++)
        {
            if (_open[i].UntilNs + SettleNs <= now)
            {
                var incident = _open[i];
                _open.RemoveAt(i--);
                Extract(incident);
            }
        }
    }

    private void TakeHits()
    {
        foreach (var eyes in _eyes)
        {
            while (eyes.Hits.TryTake(out var hit))
            {
                Take(hit);
            }
        }
    }

    private void Take(in TriggerHit hit)
    {
        var desk = _desks[hit.Trigger];
        var plan = desk.Plan;
        if (plan.Scope == TriggerScope.Window && hit.TimeNs >= desk.OpenSinceNs && hit.TimeNs < desk.OpenUntilNs)
        {
            return; // another worker saw the same incident
        }

        var now = Clock.NowNs();
        if (!desk.MayBegin(now))
        {
            Volatile.Write(ref desk.Suppressed, desk.Suppressed + 1);
            return;
        }

        var isFlow = plan.Scope == TriggerScope.Flow && hit.HasFlow != 0;
        var query = isFlow ? FlowExpression.Of(hit.Flow) ?? "" : "";
        var since = (isFlow && query.Length > 0 ? Math.Min(hit.Flow.StartNs, hit.TimeNs) : hit.TimeNs) - plan.BeforeNs;
        var incident = new Incident
        {
            Name = FreeName(plan.Name, hit.TimeNs),
            Trigger = plan.Name,
            When = plan.When,
            AtNs = hit.TimeNs,
            SinceNs = Math.Max(0, since),
            UntilNs = hit.TimeNs + plan.AfterNs,
            Query = query,
            Flow = hit.HasFlow != 0 ? FlowExpression.Text(hit.Flow) : null,
        };
        (desk.OpenSinceNs, desk.OpenUntilNs) = (hit.TimeNs, incident.UntilNs);
        Volatile.Write(ref desk.Incidents, desk.Incidents + 1);
        incident = Hold(desk, incident, now);
        _open.Add(incident);
        IncidentFiles.Write(_options.Folder, incident);
        Tell($"Trigger {plan.Name} rang at {TimeText.Text(hit.TimeNs)}{(incident.Flow is { } flow ? $" ({flow})" : "")}; its window ends "
            + $"at {TimeText.Text(incident.UntilNs)}.");
    }

    private Incident Hold(Desk desk, Incident incident, long now)
    {
        if (desk.Plan.HoldNs <= 0)
        {
            return incident;
        }

        var why = $"{desk.Plan.When}{(incident.Flow is { } flow ? $": {flow}" : "")}";
        var wanted = new Hold
        {
            Id = 0,
            SinceNs = incident.SinceNs,
            UntilNs = incident.UntilNs,
            By = By(desk.Plan),
            Why = why.Length <= Limits.HoldTextCharactersMax ? why : why[..Limits.HoldTextCharactersMax],
            AddedNs = now,
        };
        if (HoldFile.TryAdd(_options.Recording, wanted, out var error) is not { } hold)
        {
            Tell($"Trigger {desk.Plan.Name} could not hold its window: {error}");
            return incident with { Problem = error };
        }

        desk.Holds.Enqueue((hold.Id, now));
        return incident with { Hold = hold.Id };
    }

    private void Extract(Incident incident)
    {
        var problem = _options.Extract(incident, IncidentFiles.ExtractOf(_options.Folder, incident), _stop.WaitHandle);
        if (_stop.IsSet && problem is not null)
        {
            return; // stays open on disk: the next start takes it up
        }

        incident = incident with
        {
            State = problem is null ? IncidentState.Extracted : IncidentState.Failed,
            Problem = problem ?? incident.Problem,
        };
        IncidentFiles.Write(_options.Folder, incident);
        Tell(problem is null
            ? $"The packets of {incident.Name} are in {IncidentFiles.ExtractOf(_options.Folder, incident)}."
            : $"The packets of {incident.Name} could not be given out: {problem}");
        IncidentFiles.KeepBudget(_options.Folder, Limits.TriggerFolderBytesMax);
    }

    // Two flows may ring the same trigger in the same millisecond.
    private string FreeName(string trigger, long atNs)
    {
        var name = IncidentFiles.NameOf(trigger, atNs);
        var free = name;
        for (var i = 2; File.Exists(Path.Combine(_options.Folder, free + ".json")); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
        }

        return free;
    }

    private void Tell(string sentence) => _options.Tell(sentence);

    private static string By(TriggerPlan plan) => $"trigger {plan.Name}";

    private sealed class Desk(TriggerPlan plan)
    {
        private readonly Queue<long> _lastHour = new();

        public long Incidents;
        public long Suppressed;

        public TriggerPlan Plan => plan;

        public long OpenSinceNs { get; set; }

        public long OpenUntilNs { get; set; }

        /// <summary>Its holds, oldest first.</summary>
        public Queue<(long Id, long AddedNs)> Holds { get; } = new();

        public bool MayBegin(long nowNs)
        {
            while (_lastHour.TryPeek(out var first) && (nowNs - first > HourNs || first > nowNs))
            {
                _lastHour.Dequeue();
            }

            if (_lastHour.Count >= Limits.TriggerIncidentsPerHour)
            {
                return false;
            }

            _lastHour.Enqueue(nowNs);
            return true;
        }
    }
}
