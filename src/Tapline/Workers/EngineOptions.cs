// What an engine is to do, as the command line or the configuration decided it. Plain data, made once, never changed:
// `engine`, `mirror`, `record` and `up` all start the same data plane with different options.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Identity;
using Tapline.Workers.Triggers;

namespace Tapline.Workers;

/// <summary>The engine's orders. Validated by <see cref="EngineRun"/>, which answers a mistake with one sentence.</summary>
public sealed record EngineOptions
{
    /// <summary>What to observe: interface names, globs, <c>bridge:</c>, <c>vm:</c> and so on. Required.</summary>
    public required IReadOnlyList<string> Points { get; init; }

    /// <summary>Interfaces never to be observed. Tool ports of mirrors are always added to these.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Socket of Open vSwitch's database; null = where it usually is.</summary>
    public string? OvsDatabase { get; init; }

    /// <summary>What an inventory says of VMs; <see cref="Engine.SetInventory"/> gives a running engine another.</summary>
    public VmInventory Inventory { get; init; } = VmInventory.Empty;

    /// <summary>Where <see cref="Inventory"/> was read from, for whoever follows that file; null = nowhere.</summary>
    public string? InventoryFile { get; init; }

    /// <summary>URIs of the libvirt daemons that are asked; null = the host's own, if there is one; empty = none.</summary>
    public IReadOnlyList<string>? Libvirt { get; init; }

    /// <summary>Let Open vSwitch copy ports that no packet socket sees.</summary>
    public bool OvsMirror { get; init; }

    /// <summary>Mirror sessions, in the order in which they see a frame.</summary>
    public IReadOnlyList<MirrorPlan> Mirrors { get; init; } = [];

    /// <summary>What to record; null = nothing.</summary>
    public RecordPlan? Record { get; init; }

    /// <summary>The data folder: spool, recordings, the engine's socket. Null = no records leave the engine.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Worker threads; 0 = one for each processor, at most <see cref="Limits.WorkersMax"/>.</summary>
    public int Workers { get; init; }

    /// <summary>Ring memory for all points and workers together, in bytes.</summary>
    public long RingBudgetBytes { get; init; } = Limits.RingBudgetBytesDefault;

    /// <summary>Take the NIC's time where it stamps frames; other points keep the kernel's.</summary>
    public bool HardwareTimestamps { get; init; }

    /// <summary>Live flows kept at once, over all workers.</summary>
    public int FlowCapacity { get; init; } = Limits.LiveFlowsDefault;

    /// <summary>False leaves flow accounting out: frames are decoded, mirrored and recorded only.</summary>
    public bool Analyse { get; init; } = true;

    /// <summary>Ends by itself after this many seconds; null = runs until it is stopped.</summary>
    public double? Seconds { get; init; }

    /// <summary>
    /// A mirror session may write to standard output, and the engine ends when the reader of a session's pipe has gone: how a
    /// command in a pipeline behaves.
    /// </summary>
    public bool EndsWithTarget { get; init; }

    /// <summary>The node's name in records and snapshots.</summary>
    public string Node { get; init; } = Environment.MachineName;

    /// <summary>The hook of sessions that run in the kernel; other than Auto only where tests want the older one.</summary>
    public KernelHookKind KernelHook { get; init; }

    /// <summary>Seconds from one round of canaries to the next, which prove the mirror sessions; 0 = none.</summary>
    public double CanarySeconds { get; init; } = 60;

    /// <summary>Makes the files of triggers; null = they only hold their windows.</summary>
    public ITriggerExtract? TriggerExtract { get; init; }

    /// <summary>Seconds without a sign of life after which a stuck worker ends the process.</summary>
    public int WatchdogSeconds { get; init; } = 10;
}
