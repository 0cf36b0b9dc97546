// The data plane of one host: opened parts, running workers, the ledger's supervisor and the control socket. Start
// attaches, Finish drains: after StopArrivals the sources hand out what the rings still hold and end, every stage writes
// its last records, and only then is the ledger settled, to the frame.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Capture.Identity;
using Tapline.Mirror.Kernel;
using Tapline.Workers.Indexing;
using Tapline.Workers.Past;
using Tapline.Workers.Triggers;

namespace Tapline.Workers;

/// <summary>A running engine. Control thread only, but for <see cref="RequestStop"/>.</summary>
public sealed class Engine : IDisposable
{
    private static readonly TimeSpan s_drainTimeMax = TimeSpan.FromSeconds(30);
    private readonly EngineParts _parts;
    private readonly Supervisor _supervisor;
    private readonly ManualResetEventSlim _stopRequested = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private ControlSocket? _control;
    private string? _fault;
    private bool _isRunning;

    private Engine(EngineParts parts, Action<string> onStuck)
    {
        _parts = parts;
        _supervisor = new Supervisor(parts, new Watchdog(parts.Options.WatchdogSeconds * Clock.SecondNs, onStuck));
        parts.Workers = new Worker[parts.Pipelines.Length];
        for (var w = 0; w < parts.Workers.Length; w++)
        {
            parts.Workers[w] = NewWorker(w);
        }
    }

    /// <summary>Opens and starts; null with a report when the orders are wrong or the host refuses.</summary>
    /// <param name="options">The orders.</param>
    /// <param name="onStuck">Called on the supervisor's thread when a worker is stuck; must end the process.</param>
    /// <param name="fault">What is wrong.</param>
    public static Engine? Start(EngineOptions options, Action<string> onStuck, out EngineReport? fault)
    {
        var parts = EngineOpening.Open(options, out fault);
        if (parts is null)
        {
            return null;
        }

        var engine = new Engine(parts, onStuck);
        if (options.EndsWithTarget)
        {
            parts.Mirrors.OnTargetEnded = engine.RequestStop;
            if (parts.Mirrors.HasTargetEnded)
            {
                engine.RequestStop();
            }
        }

        if (options.DataFolder is { } data)
        {
            var snapshot = new SnapshotWriter(parts, engine._supervisor, engine.RequestStop);
            engine._control = ControlSocket.Open(Path.Combine(data, "engine.sock"), snapshot, out var sentence);
            if (engine._control is null)
            {
                fault = EngineReport.Failed(sentence!);
                engine.Dispose();
                return null;
            }
        }

        if (parts.RecordFolders.Count > 0)
        {
            parts.Mirrors.Supply(new PastSupply(
                [.. parts.RecordFolders.Select(f => f.Path)], parts.Recorders, parts.Workers.Length, parts.Capture));
        }

        Array.ForEach(parts.Workers, w => w.Start());
        engine._supervisor.Start();
        engine._isRunning = true;
        if (parts.RecordFolders.Count > 0)
        {
            parts.IndexRepair = IndexRepair.Start(
                [.. parts.RecordFolders, .. parts.RetiredFolders], n => Console.Error.WriteLine($"tapline: {n}"));
            parts.ImportExpiry = Imports.ImportExpiry.Start(parts.RecordFolders[0].Path, n => Console.Error.WriteLine($"tapline: {n}"));
        }

        if (options.Record is { } record && (record.Triggers.Count > 0 || TriggerJournal.Exists(options.TriggerExtract?.Folder)))
        {
            parts.Triggers = new TriggerDesk(
                record.Folder, record.Triggers, [.. parts.Pipelines.Select(p => p.Triggers).OfType<TriggerWatch>()], options.TriggerExtract,
                n => Console.Error.WriteLine($"tapline: {n}"), record.TriggerBudgetBytes);
            parts.Triggers.Start();
        }

        if (options.CanarySeconds > 0)
        {
            parts.Canaries = new CanaryDesk(
                parts.Capture, parts.Mirrors, TimeSpan.FromSeconds(options.CanarySeconds),
                n => Console.Error.WriteLine($"tapline: {n}"));
        }

        return engine;
    }

    /// <summary>Asks the engine to end. Any thread.</summary>
    public void RequestStop() => _stopRequested.Set();

    /// <summary>Waits until somebody asks for the end: <paramref name="stop"/>, the socket, a worker's fault, the time.</summary>
    public void WaitForStop(CancellationToken stop, TimeSpan? time)
    {
        try
        {
            _stopRequested.Wait(time ?? Timeout.InfiniteTimeSpan, stop);
        }
        catch (OperationCanceledException)
        {
            // Asked to stop: that is what the token is for.
        }
    }

    /// <summary>
    /// Puts these mirror sessions into force instead of the configured ones; those that stay as they are lose no frame. One
    /// sentence when they cannot run, and then nothing has changed. Any thread but a worker's.
    /// </summary>
    public string? ApplyMirrors(IReadOnlyList<MirrorPlan> plans) => _parts.Mirrors.Apply(plans, out _);

    /// <summary>Names VMs by another inventory from now on. Any thread but a worker's.</summary>
    public void SetInventory(VmInventory inventory) => _parts.Capture.SetInventory(inventory);

    /// <summary>What the capture could not do, one sentence each: a ring without room, a reduced budget.</summary>
    public IReadOnlyList<string> Notices =>
    [
        .. _parts.Capture.Notices,
        .. Paths.Where(p => p.HasCaveat).Select(p => $"{p.Session}: {p.Why}"),
    ];

    /// <summary>Which path each mirror session takes, and why.</summary>
    public IReadOnlyList<KernelDecision> Paths => [.. _parts.Mirrors.Book.Current.Running.Select(r => r.Path)];

    /// <summary>The mirror sessions in force. Any thread.</summary>
    internal IReadOnlyList<RunningMirror> Running => _parts.Mirrors.Book.Current.Running;

    /// <summary>What was recorded so far; null when nothing is. Any thread; allocates.</summary>
    public RecorderReport? RecorderNow() => EngineReporting.Recorder(_parts);

    /// <summary>Drains, writes the last records and gives the ledger. Called once; Dispose does it when nobody has.</summary>
    public EngineReport Finish()
    {
        _isRunning = false;
        var allocated = _supervisor.AllocatedBytes;
        _parts.Canaries?.Dispose();
        _parts.Canaries = null;
        _parts.Capture.StopArrivals();
        _parts.Mirrors.FinishKernel();
        foreach (var worker in _parts.Workers)
        {
            if (!worker.Join(s_drainTimeMax))
            {
                _fault ??= $"Worker {worker.Index} did not end within {s_drainTimeMax.TotalSeconds} seconds.";
            }

            _fault ??= worker.Fault;
        }

        _parts.Mirrors.FinishPasts();
        _parts.Triggers?.Finish();
        _supervisor.Stop();
        _supervisor.Finish();
        return EngineReporting.Report(_parts, allocated, _fault, Stopwatch.GetElapsedTime(_started));
    }

    public void Dispose()
    {
        _control?.Dispose();
        if (_isRunning)
        {
            // Workers and supervisor must have ended before what they use is given back.
            Finish();
        }

        _supervisor.Dispose();
        _parts.Dispose();
        _stopRequested.Dispose();
    }

    private Worker NewWorker(int index)
    {
        var capture = _parts.Capture;
        return new Worker(
            index,
            capture.Sources[index],
            _parts.Pipelines[index],
            _parts.Spools.Length == 0 ? null : _parts.Spools[index],
            new LivePointBook(capture))
        {
            OnFault = RequestStop,
            Mirrors = _parts.Mirrors.Book,
            Recorders = [.. _parts.Recorders.Where((_, r) => r % _parts.Pipelines.Length == index)],
            Losses = index == 0 ? _parts.Losses : null,
            OnEnding = index == 0 ? _supervisor.ShareLosses : null,
        };
    }
}
