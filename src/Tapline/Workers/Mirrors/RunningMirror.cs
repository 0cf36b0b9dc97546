// One mirror session in force: what was ordered, and its instance on each worker. The instances are the workers' to use
// until every worker follows a set without them; then the control thread disposes this. The counters stay readable.
using Tapline.Mirror;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>A session and its instances. Immutable but for the counters inside.</summary>
internal sealed class RunningMirror : IDisposable
{
    private readonly MirrorSession[] _byWorker;

    public RunningMirror(MirrorPlan plan, ushort id, MirrorSession[] byWorker)
    {
        Plan = plan;
        Id = id;
        _byWorker = byWorker;
        Texts = new MirrorTexts(plan);
    }

    /// <summary>The orders.</summary>
    public MirrorPlan Plan { get; }

    /// <summary>Number of the session in records; never given twice in the life of an engine.</summary>
    public ushort Id { get; }

    /// <summary>Its unchanging part in snapshots.</summary>
    public MirrorTexts Texts { get; }

    /// <summary>The target as parsed.</summary>
    public MirrorTarget Target => _byWorker[0].Options.Target;

    /// <summary>What the store is told of it.</summary>
    public SessionInfo Info => new(Id, Plan.Session, Target.ToString(), _byWorker[0].Options.Filter.Expression);

    /// <summary>True while the target takes frames from every worker. Any thread.</summary>
    public bool IsUp
    {
        get
        {
            var isUp = true;
            foreach (var session in _byWorker)
            {
                isUp &= session.IsTargetUp;
            }

            return isUp;
        }
    }

    /// <summary>The instance of a worker.</summary>
    public MirrorSession Of(int worker) => _byWorker[worker];

    /// <summary>The ledger over all workers. Any thread; allocation-free.</summary>
    public MirrorLedgerRecord Totals() => MirrorTotals.Sum(_byWorker, Id);

    public void Dispose() => Array.ForEach(_byWorker, s => s.Dispose());
}
