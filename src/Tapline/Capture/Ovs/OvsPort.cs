// A port of an Open vSwitch bridge: one row of its table Interface, with what Port and Bridge say about it.
namespace Tapline.Capture.Ovs;

/// <summary>One interface of a bridge. Immutable; all texts are hostile (others write to the database).</summary>
internal sealed record OvsPort
{
    /// <summary>UUID of the row of table Port.</summary>
    public required string PortId { get; init; }

    /// <summary>Name of the bridge.</summary>
    public required string Bridge { get; init; }

    /// <summary>True when packets are switched by ovs-vswitchd itself (datapath_type netdev), not by the kernel.</summary>
    public bool IsUserspace { get; init; }

    /// <summary>The interface's name; of the kernel's device too, where there is one.</summary>
    public required string Name { get; init; }

    /// <summary><c>""</c> or <c>system</c>, <c>internal</c>, <c>tap</c>, <c>patch</c>, <c>vxlan</c>, <c>dpdk</c>, …</summary>
    public string Type { get; init; } = "";

    /// <summary>The kernel's number for it where Open vSwitch runs; 0 = none or not known.</summary>
    public int InterfaceIndex { get; init; }

    /// <summary>OpenFlow port number; -1 = not given, or the device could not be opened.</summary>
    public int OpenFlowPort { get; init; } = -1;

    /// <summary>VLAN of an access port; -1 = none.</summary>
    public int Tag { get; init; } = -1;

    /// <summary><c>access</c>, <c>trunk</c>, <c>native-tagged</c>, …; empty = decided by the tag.</summary>
    public string VlanMode { get; init; } = "";

    /// <summary>external_ids:iface-id, by which a controller knows the port.</summary>
    public string IfaceId { get; init; } = "";

    /// <summary>external_ids:vm-uuid, vm-id or xs-vm-uuid.</summary>
    public string VmId { get; init; } = "";

    /// <summary>external_ids:vm-name, where somebody sets it.</summary>
    public string VmName { get; init; } = "";

    /// <summary>external_ids:attached-mac; 0 = none.</summary>
    public ulong Mac { get; init; }

    /// <summary>options:peer of a patch port.</summary>
    public string PatchPeer { get; init; } = "";

    /// <summary>What Open vSwitch says went wrong with it; empty = nothing.</summary>
    public string Error { get; init; } = "";

    /// <summary>Who made it, when Tapline did: the output port of a mirror of ours.</summary>
    public OvsOwner? Owner { get; init; }

    /// <summary>
    /// True when Open vSwitch itself reads what the host's stack or a workload sends to the device: frames enter the switch
    /// in the device's outgoing direction.
    /// </summary>
    public bool IsHostSide => Type is "internal" or "tap" && Owner is null;

    /// <summary>True when a kernel interface carries its frames in Linux's view: a packet socket there sees them.</summary>
    public bool IsKernelType => Type is "" or "system" or "internal" or "tap";

    public bool IsPatch => Type == "patch";
}
