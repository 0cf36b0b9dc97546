// What the caller of a live capture decides. Everything else (block size, shares of the budget) follows from it.
using Tapline.Base;
using Tapline.Capture.Identity;

namespace Tapline.Capture.Ring;

/// <summary>Options of <see cref="LiveCapture.Open"/>. Immutable.</summary>
public sealed record LiveCaptureOptions
{
    /// <summary>
    /// Which points: interface names and globs (<c>vnet*</c>), <c>bridge:NAME</c>, <c>ovs:NAME</c>, <c>host:BRIDGE</c>,
    /// <c>vm:NAME</c>, <c>tag:NAME</c>, <c>uplink</c>, <c>all</c>, and tunnel listeners (<c>vxlan://:4789</c>). Empty =
    /// <c>all</c>: every port of every switch and the host's own traffic into them.
    /// </summary>
    public IReadOnlyList<string> Points { get; init; } = [];

    /// <summary>Interface indices that are never captured, whatever the patterns say: our own tool ports.</summary>
    public IReadOnlyList<int> ExcludeInterfaces { get; init; } = [];

    /// <summary>
    /// Interface names that are never captured, under whatever index they appear: a tool port that is made anew.
    /// </summary>
    public IReadOnlyList<string> ExcludeNames { get; init; } = [];

    /// <summary>
    /// Worker threads, each with its own source; conversations stay on one worker. 0 = points are followed and no frame is
    /// read: no ring, no cost per frame.
    /// </summary>
    public int Workers { get; init; } = 1;

    /// <summary>Ring memory of the whole capture in bytes, shared by all points.</summary>
    public long RingBudgetBytes { get; init; } = Limits.RingBudgetBytesDefault;

    /// <summary>Bytes kept of each frame; what lies beyond is sliced on purpose.</summary>
    public int SnapLength { get; init; } = Limits.FrameBytesMax;

    /// <summary>Bytes of one ring block; 0 = chosen by the capture (docs/adr/0001). A power of two ≥ 64 KiB.</summary>
    public int BlockBytes { get; init; }

    /// <summary>Milliseconds after which a block that is not full is handed over; 0 = chosen by the capture.</summary>
    public int RetireTimeoutMs { get; init; }

    /// <summary>Use NIC timestamps where frames carry them. Off by default: points then share one clock.</summary>
    public bool HardwareTimestamps { get; init; }

    /// <summary>What an inventory says of VMs, until <see cref="LiveCapture.SetInventory"/> gives another.</summary>
    public VmInventory Inventory { get; init; } = VmInventory.Empty;

    /// <summary>URIs of the libvirt daemons that are asked; null = the host's own, if there is one; empty = none.</summary>
    public IReadOnlyList<string>? Libvirt { get; init; }

    /// <summary>Socket of Open vSwitch's database; null = where it usually is.</summary>
    public string? OvsDatabase { get; init; }

    /// <summary>Let Open vSwitch copy (by mirrors of its own) what no packet socket sees: the only change ever made to it.</summary>
    public bool OvsMirror { get; init; }

    /// <summary>The node's name in what is left in Open vSwitch's database.</summary>
    public string Node { get; init; } = Environment.MachineName;
}
