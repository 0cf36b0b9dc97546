// The mirror sessions of an engine over its life. Other sessions are put into force as a whole: all orders are checked,
// what is new is opened, and only then do the workers change over, so a mistake changes nothing and a session that stays
// as it was keeps its instances and loses no frame. Control threads, one at a time.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Tapline.Filter;
using Tapline.Mirror.Targets;
using Tapline.Workers.Past;

namespace Tapline.Workers;

/// <summary>Owns all sessions, those that have ended included.</summary>
internal sealed class MirrorDesk : IDisposable
{
    private const int FollowWaitMs = 5;
    private const long FollowTimeMaxNs = 15 * Clock.SecondNs;
    private readonly object _gate = new();
    private readonly IReadOnlyList<string> _points;
    private readonly int _workers;
    private readonly KernelHookKind _hook;
    private readonly bool _hasOutput;
    private readonly bool _hasRecording;
    private PastSupply? _supply;
    private volatile bool _hasTargetEnded;
    private readonly HashSet<string> _added = [];
    private RunningMirror[] _all = [];
    private IReadOnlyList<string> _toolPorts = [];
    private int _nextId;
    private KernelMirrors? _kernel;
    private LiveCapture? _capture;
    private FilterDirectory _names = FilterDirectory.Empty;

    private MirrorDesk(EngineOptions options, int workers)
    {
        _hook = options.KernelHook;
        _hasOutput = options.EndsWithTarget;
        _hasRecording = options.Record is not null;
        _points = options.Points;
        _workers = workers;
        Book = new MirrorBook(workers, []);
    }

    /// <summary>By which the engine knows its own canaries.</summary>
    public ulong CanarySecret { get; } = CanaryDesk.NewSecret();

    /// <summary>The points as streams name them.</summary>
    public MirrorPoints Points { get; } = new();

    /// <summary>A target has ended for good: the reader of a pipe has gone. Any thread.</summary>
    public bool HasTargetEnded => _hasTargetEnded;

    /// <summary>Called on any thread when that happens; null = the session is down, the engine goes on.</summary>
    public Action? OnTargetEnded { get; set; }

    /// <summary>What the workers follow.</summary>
    public MirrorBook Book { get; }

    /// <summary>All sessions since the start, ended ones included; a new list after each change. Any thread.</summary>
    public IReadOnlyList<RunningMirror> All => Volatile.Read(ref _all);

    /// <summary>Interfaces that must not be captured: tool ports, and where they end. Any thread.</summary>
    public IReadOnlyList<string> ToolPorts => Volatile.Read(ref _toolPorts);

    /// <summary>Called with <see cref="ToolPorts"/> before sessions that need them start.</summary>
    public Action<IReadOnlyList<string>>? OnToolPorts { get; set; }

    /// <summary>Opens an engine's first sessions; null and one sentence when they cannot run.</summary>
    public static MirrorDesk? Open(EngineOptions options, int workers, out string? fault, out bool isUsage)
    {
        var desk = new MirrorDesk(options, workers);
        fault = desk.Apply(options.Mirrors, out isUsage);
        if (fault is null)
        {
            return desk;
        }

        desk.Dispose();
        return null;
    }

    /// <summary>
    /// Puts these sessions into force, the configuration's; those that were added at run time stay beside them. Sessions
    /// whose orders are the same go on as they are. One sentence when they cannot run together or the host refuses;
    /// nothing has changed then.
    /// </summary>
    public string? Apply(IReadOnlyList<MirrorPlan> plans, out bool isUsage)
    {
        lock (_gate)
        {
            return ApplyLocked([.. plans, .. Plans().Where(p => _added.Contains(p.Session))], out isUsage);
        }
    }

    /// <summary>Adds a session beside the others, until it is removed or the engine ends.</summary>
    public string? Add(MirrorPlan plan)
    {
        lock (_gate)
        {
            var mistake = ApplyLocked([.. Plans(), plan], out _);
            if (mistake is null)
            {
                _added.Add(plan.Session);
            }

            return mistake;
        }
    }

    /// <summary>Ends a session.</summary>
    public string? Remove(string session)
    {
        lock (_gate)
        {
            var plans = Plans();
            var left = plans.Where(p => p.Session != session).ToList();
            if (left.Count == plans.Count)
            {
                return $"There is no mirror session {session}; the engine runs {Names(plans)}.";
            }

            _added.Remove(session);
            return ApplyLocked(left, out _);
        }
    }

    /// <summary>
    /// The capture whose points the kernel's sessions follow from now on. One sentence when a port refuses its program; then
    /// none is left anywhere.
    /// </summary>
    public string? Attach(LiveCapture capture)
    {
        lock (_gate)
        {
            _capture = capture;
            Points.Capture = capture;
            return _kernel is null || _kernel.Attach(capture, out var error) ? null : error;
        }
    }

    /// <summary>Where sessions find their past from now on; those that wait for it begin. Before the workers start.</summary>
    public void Supply(PastSupply supply)
    {
        lock (_gate)
        {
            _supply = supply;
            foreach (var mirror in Book.Current.Running)
            {
                mirror.Past?.Note(supply);
                mirror.Past?.Start();
            }
        }
    }

    /// <summary>Nobody is fed from the past after this; those ledgers are final. The workers have ended.</summary>
    public void FinishPasts()
    {
        foreach (var mirror in Book.Current.Running)
        {
            mirror.Past?.Stop();
        }
    }

    /// <summary>What names in expressions stand for from now on.</summary>
    public void SetNames(FilterDirectory names)
    {
        lock (_gate)
        {
            _names = names;
            foreach (var mirror in Book.Current.Running)
            {
                mirror.Bind(names);
            }
        }
    }

    /// <summary>Once a second: tells the kernel's sessions that the engine lives. Allocation-free.</summary>
    public void Beat() => Volatile.Read(ref _kernel)?.Beat();

    /// <summary>Told by outputs.</summary>
    public void EndTarget()
    {
        _hasTargetEnded = true;
        OnTargetEnded?.Invoke();
    }

    /// <summary>No frame is copied in the kernel after this; those ledgers are final.</summary>
    public void FinishKernel() => Volatile.Read(ref _kernel)?.Finish();

    /// <summary>Releases everything; the workers must have ended.</summary>
    public void Dispose()
    {
        foreach (var mirror in Book.Current.Running)
        {
            mirror.Dispose();
        }

        _kernel?.Dispose();
    }

    private List<MirrorPlan> Plans() => [.. Book.Current.Running.Select(r => r.Plan)];

    private static string Names(List<MirrorPlan> plans) =>
        plans.Count == 0 ? "none" : string.Join(", ", plans.Select(p => p.Session));

    private string? ApplyLocked(IReadOnlyList<MirrorPlan> plans, out bool isUsage)
    {
        isUsage = true;
        if (MirrorOpening.Check(plans, _points, _hasOutput, _hasRecording, out var peers) is { } mistake)
        {
            return mistake;
        }

        if (KernelPlanning.Decide(plans, _points, _hook, out var refusal) is not { } paths)
        {
            return refusal;
        }

        isUsage = false;
        if (paths.Any(p => p.IsKernel) && OpenKernel() is { } problem)
        {
            return problem;
        }

        var before = Book.Current.Running;
        var opened = new List<RunningMirror>();
        var next = new List<RunningMirror>();
        for (var i = 0; i < plans.Count; i++)
        {
            var plan = plans[i];
            var mirror = before.FirstOrDefault(r => r.Plan.Equals(plan));
            if (mirror is null)
            {
                if (_nextId == Limits.MirrorSessionIdsMax)
                {
                    opened.ForEach(o => o.Dispose());
                    return $"{_nextId} sessions have run in this engine, and no more can be told apart; start it again.";
                }

                mirror = MirrorOpening.Open(plan, paths[i], (ushort)_nextId, _workers, _kernel, this, out var fault);
                if (mirror is null)
                {
                    opened.ForEach(o => o.Dispose());
                    return fault;
                }

                mirror.Bind(_names);
                _nextId++;
                opened.Add(mirror);
            }

            next.Add(mirror);
        }

        PutIntoForce(before, next, opened, peers);
        return null;
    }

    private string? OpenKernel()
    {
        if (_kernel is not null)
        {
            return null;
        }

        var kernel = KernelMirrors.Open(_hook, n => Console.Error.WriteLine($"tapline: {n}"), out var error);
        if (kernel is not null && _capture is not null && !kernel.Attach(_capture, out error))
        {
            kernel.Dispose();
            return error;
        }

        Volatile.Write(ref _kernel, kernel);
        return kernel is null ? error : null;
    }

    private void PutIntoForce(
        IReadOnlyList<RunningMirror> before, List<RunningMirror> next, List<RunningMirror> opened, List<string> peers)
    {
        foreach (var open in opened.Where(o => o.Target is PcapOverIpTarget { IsReachable: true }))
        {
            Console.Error.WriteLine($"tapline: {open.Plan.Session}: whoever reaches {open.Target} reads these frames; "
                + "nothing is encrypted and nobody is asked who he is.");
        }

        List<string> toolPorts = [.. next.SelectMany(r => r.Target.Interfaces), .. peers];
        // First no capture at the new tool ports, then copies to them; at the old ones the other way round.
        Exclude([.. ToolPorts.Concat(toolPorts).Distinct()]);
        Volatile.Write(ref _all, [.. _all, .. opened]);
        if (_supply is { } supply)
        {
            opened.ForEach(o => o.Past?.Note(supply));
        }

        var set = Book.Publish(next);
        var ended = before.Except(next).ToList();
        if (ended.Count > 0 && WaitUntilFollowed(set))
        {
            ended.ForEach(e => e.Dispose());
        }

        Exclude(toolPorts);
        opened.ForEach(o => o.Past?.Start());
    }

    // Workers turn at least every few hundredths of a second. One that does not is stuck and soon ends the process; its
    // session is then left to the kernel rather than taken away under it.
    private bool WaitUntilFollowed(MirrorSet set)
    {
        var until = Clock.MonotonicNs() + FollowTimeMaxNs;
        while (!Book.IsFollowed(set))
        {
            if (Clock.MonotonicNs() > until)
            {
                return false;
            }

            Thread.Sleep(FollowWaitMs);
        }

        return true;
    }

    private void Exclude(List<string> names)
    {
        Volatile.Write(ref _toolPorts, names);
        OnToolPorts?.Invoke(names);
    }
}
