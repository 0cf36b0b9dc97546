// The sessions in force at one time, as one immutable value: workers take it by reference between two batches, so a frame
// is offered by one set or the next, never by half of each.
using Tapline.Capture;
using Tapline.Mirror;
using Tapline.Workers.Past;

namespace Tapline.Workers;

/// <summary>A set of mirror sessions. Immutable; any thread.</summary>
internal sealed class MirrorSet
{
    private readonly MirrorSession[][] _byWorker;
    private readonly PastGate[][] _gates;

    public MirrorSet(int generation, int workers, IReadOnlyList<RunningMirror> running)
    {
        Generation = generation;
        Running = running;
        _byWorker = new MirrorSession[workers][];
        _gates = new PastGate[workers][];
        for (var w = 0; w < workers; w++)
        {
            _byWorker[w] = [.. running.Select(r => r.Of(w)).OfType<MirrorSession>()];
            _gates[w] = [.. running.Select(r => r.Past?.Gates[w]).OfType<PastGate>()];
        }
    }

    /// <summary>Rises with each set of an engine.</summary>
    public int Generation { get; }

    /// <summary>The sessions, in the order in which they see a frame.</summary>
    public IReadOnlyList<RunningMirror> Running { get; }

    /// <summary>A worker's instances, in the order of <see cref="Running"/>, without those that run in the kernel.</summary>
    public MirrorSession[] Of(int worker) => _byWorker[worker];

    /// <summary>Gates of those of a worker's instances that began, and may still be, in the past.</summary>
    public PastGate[] GatesOf(int worker) => _gates[worker];

    /// <summary>Tells a worker's instances whether the point is one of their sources.</summary>
    public void SelectPoint(int worker, ObservationPoint point)
    {
        foreach (var mirror in Running)
        {
            if (mirror.Plan.From.Count > 0)
            {
                mirror.Of(worker)?.SelectPoint(point.Id, MirrorSources.Selects(mirror.Plan.From, point));
            }
        }
    }
}
