// One mirror session in force: what was ordered, and its instance on each worker. The instances are the workers' to use
// until every worker follows a set without them; then the control thread disposes this. The counters stay readable.
using Tapline.Base;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using Tapline.Store;
using Tapline.Workers.Past;

namespace Tapline.Workers;

/// <summary>A session and its instances. Immutable but for the counters inside.</summary>
internal sealed class RunningMirror : IDisposable
{
    private readonly MirrorSession[] _byWorker;
    private readonly KernelMirrors? _kernel;
    private CanaryReport? _canary;

    /// <param name="plan">The orders.</param>
    /// <param name="id">Its number.</param>
    /// <param name="target">The target as parsed.</param>
    /// <param name="path">Where it runs, and why.</param>
    /// <param name="byWorker">Its instances; none when it runs in the kernel.</param>
    /// <param name="kernel">Where it runs in the kernel; null = in user space.</param>
    public RunningMirror(
        MirrorPlan plan, ushort id, MirrorTarget target, KernelDecision path, MirrorSession[] byWorker, KernelMirrors? kernel)
    {
        Invariant.Check(path.IsKernel == kernel is not null);
        Plan = plan;
        Id = id;
        Target = target;
        Path = path;
        _byWorker = byWorker;
        _kernel = kernel;
        Texts = new MirrorTexts(plan);
        Members = new MirrorMembers(target, byWorker);
    }

    /// <summary>Its way out of the past; null = it began in the present.</summary>
    public PastFeeder? Past { get; init; }

    /// <summary>Kernel or user path, and why.</summary>
    public KernelDecision Path { get; }

    /// <summary>What the tool port's driver dropped meanwhile; null on the user path. Any thread; allocation-free.</summary>
    public long? TargetTxDropped => _kernel?.ReadTargetTxDropped(Id);

    /// <summary>The orders.</summary>
    public MirrorPlan Plan { get; }

    /// <summary>Number of the session in records; never given twice in the life of an engine.</summary>
    public ushort Id { get; }

    /// <summary>Its unchanging part in snapshots.</summary>
    public MirrorTexts Texts { get; }

    /// <summary>Lets names in its expression stand for what the directory says. Control threads.</summary>
    public void Bind(FilterDirectory names)
    {
        foreach (var session in _byWorker)
        {
            session.Options.Filter.Bind(names);
        }
    }

    /// <summary>What its canaries have shown; null = none was due yet. Written by the canaries' thread, read by any.</summary>
    public CanaryReport? Canary
    {
        get => Volatile.Read(ref _canary);
        set => Volatile.Write(ref _canary, value);
    }

    /// <summary>Canaries that the kernel's program handed to the tool port; null on the user path.</summary>
    public long? CanariesSentInKernel => _kernel?.ReadCanaries(Id);

    /// <summary>What became of a canary on the user path; null = no worker has seen it yet.</summary>
    public CanaryFate? CanaryFateOf(long number)
    {
        foreach (var session in _byWorker)
        {
            if (session.Canary is var fate && fate.Number == number)
            {
                return fate;
            }
        }

        return null;
    }

    /// <summary>What each target of a group got; empty when there is one target.</summary>
    public MirrorMembers Members { get; }

    /// <summary>The target as parsed.</summary>
    public MirrorTarget Target { get; }

    /// <summary>What the store is told of it.</summary>
    public SessionInfo Info => new(Id, Plan.Session, Target.ToString(), Plan.Filter);

    /// <summary>True while the target takes frames from every worker. Any thread.</summary>
    public bool IsUp
    {
        get
        {
            var isUp = _kernel?.IsTargetUp(Id) ?? true;
            foreach (var session in _byWorker)
            {
                isUp &= session.IsTargetUp;
            }

            return isUp;
        }
    }

    /// <summary>Why the target is down; null when it is up or nothing is known. Any thread.</summary>
    public string? WhyDown => _byWorker.Length == 0 ? null : _byWorker[0].WhyDown;

    /// <summary>Who reads the session's stream. Any thread.</summary>
    public IReadOnlyList<StreamClient> Clients => _byWorker.Length == 0 ? [] : _byWorker[0].Clients;

    /// <summary>The instance of a worker; null when the session runs in the kernel.</summary>
    public MirrorSession? Of(int worker) => _byWorker.Length == 0 ? null : _byWorker[worker];

    /// <summary>The ledger over all workers. Any thread; allocation-free.</summary>
    public MirrorLedgerRecord Totals() => _kernel?.Read(Id) ?? MirrorTotals.Sum(_byWorker, Id, Past?.Busy ?? 0);

    public void Dispose()
    {
        Past?.Dispose();
        if (Past is { HasEnded: false })
        {
            return;
        }

        _kernel?.Remove(Id);
        Array.ForEach(_byWorker, s => s.Dispose());
    }
}
