// What the operator wrote, validated: the model of a node's configuration file and of `up`'s options. Immutable.
using System.Net;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Server.Commands;
using Tapline.Workers;
using Tapline.Workers.Triggers;

namespace Tapline.Server.Config;

/// <summary>One node: what it observes, mirrors, records, and where its console listens.</summary>
internal sealed record NodeConfiguration
{
    public string? Node { get; init; }

    public string? Data { get; init; }

    public IReadOnlyList<string> Points { get; init; } = [];

    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Socket of Open vSwitch's database; null = where it usually is.</summary>
    public string? OvsDatabase { get; init; }

    /// <summary>File that names VMs, its whole path; null = none.</summary>
    public string? Inventory { get; init; }

    /// <summary>URIs of the libvirt daemons that are asked; null = the host's own, if there is one; empty = none.</summary>
    public IReadOnlyList<string>? Libvirt { get; init; }

    /// <summary>Open vSwitch copies what no packet socket sees.</summary>
    public bool OvsMirror { get; init; }

    /// <summary>0 = one for each processor.</summary>
    public int Workers { get; init; }

    public long RingBudgetBytes { get; init; } = Limits.RingBudgetBytesDefault;

    /// <summary>Frames carry the NIC's time where it stamps them.</summary>
    public bool HardwareTimestamps { get; init; }

    public int FlowCapacity { get; init; } = Limits.LiveFlowsDefault;

    /// <summary>Seconds from one round of canaries to the next; 0 = none.</summary>
    public int CanarySeconds { get; init; } = CanaryOption.SecondsDefault;

    public IReadOnlyList<MirrorPlan> Mirrors { get; init; } = [];

    /// <summary>Null = nothing is recorded.</summary>
    public RecordConfiguration? Record { get; init; }

    public ConsoleConfiguration Console { get; init; } = new();

    /// <summary>The engine's half of it.</summary>
    public EngineOptions ToEngineOptions(DataFolder data) => new()
    {
        Node = Node ?? Environment.MachineName,
        Points = Points,
        Exclude = Exclude,
        OvsDatabase = OvsDatabase,
        OvsMirror = OvsMirror,
        InventoryFile = Inventory,
        Libvirt = Libvirt,
        Mirrors = Mirrors,
        Record = Record is null ? null : new RecordPlan
        {
            Folder = Record.Folder ?? data.Recording,
            BudgetBytes = Record.BudgetBytes,
            KeepNs = Record.KeepNs,
            MinFree = Record.MinFree,
            Evidence = Record.Evidence,
            Take = Record.Take,
            Classes = Record.Classes,
            Triggers = Record.Triggers,
            TriggerBudgetBytes = Record.TriggerBudgetBytes,
            Filter = Record.Filter,
            AtRest = Record.AtRest,
        },
        DataFolder = data.Root,
        Workers = Workers,
        RingBudgetBytes = RingBudgetBytes,
        HardwareTimestamps = HardwareTimestamps,
        FlowCapacity = FlowCapacity,
        CanarySeconds = CanarySeconds,
    };
}

/// <summary>What is kept on disk.</summary>
internal sealed record RecordConfiguration
{
    /// <summary>Null = `recording` in the data folder.</summary>
    public string? Folder { get; init; }

    public long BudgetBytes { get; init; } = Limits.RecordBudgetBytesDefault;

    /// <summary>0 = as long as there is room.</summary>
    public long KeepNs { get; init; }

    public FreeDisk MinFree { get; init; }

    /// <summary>Segments are sealed.</summary>
    public bool Evidence { get; init; } = true;

    /// <summary>What is taken of frames that no class wants.</summary>
    public RecordTake Take { get; init; }

    public IReadOnlyList<RecordClassPlan> Classes { get; init; } = [];

    public IReadOnlyList<TriggerPlan> Triggers { get; init; } = [];

    public long TriggerBudgetBytes { get; init; } = Limits.TriggerBudgetBytesDefault;

    public AtRest AtRest { get; init; } = AtRest.Plain;

    public string? Filter { get; init; }
}

/// <summary>Where the console listens and how long it keeps records.</summary>
internal sealed record ConsoleConfiguration
{
    public IPEndPoint? Listen { get; init; }

    public int RetentionDays { get; init; } = 30;
}
