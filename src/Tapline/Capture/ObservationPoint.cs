// A place where frames are seen: a switch port, a NIC, a tunnel listener, a file.
using Tapline.Capture.Identity;

namespace Tapline.Capture;

/// <summary>What stands behind an observation point.</summary>
public enum PointKind : byte
{
    /// <summary>A port of a switch with a VM or container behind it.</summary>
    VmPort,

    /// <summary>A port of a switch that leads out of the host (physical NIC, bond, tunnel device).</summary>
    Uplink,

    /// <summary>The host's own traffic into a bridge (the bridge device's outgoing direction).</summary>
    Host,

    /// <summary>A NIC that receives copies (promiscuous vNIC, SPAN port).</summary>
    Monitor,

    /// <summary>A capture file or standard input.</summary>
    File,

    /// <summary>A switch port of which nothing more is known.</summary>
    Port,

    /// <summary>A listener that ends tunnels: its frames are the tunnels' packets, outer headers included.</summary>
    Tunnel,
}

/// <summary>One observation point; immutable. Identity is <see cref="Id"/>, which an engine never reuses.</summary>
public sealed record ObservationPoint
{
    /// <summary>The number that frames carry (<c>FrameMeta.PointId</c>).</summary>
    public required ushort Id { get; init; }

    /// <summary>The interface's or file's name. Hostile text: a guest or its owner may have chosen it.</summary>
    public required string Name { get; init; }

    public required PointKind Kind { get; init; }

    /// <summary>Kernel interface index; 0 for files and tunnel listeners.</summary>
    public int InterfaceIndex { get; init; }

    /// <summary>Frames enter the switch by what this device sends, not by what it receives: a bridge itself, a macvtap device.</summary>
    public bool IsOutgoing { get; init; }

    /// <summary>The switch it belongs to, or null.</summary>
    public string? Switch { get; init; }

    /// <summary>The VM behind it, or null.</summary>
    public string? Vm { get; init; }

    /// <summary>The VM's own identifier (UUID, process id, namespace) as text, or null.</summary>
    public string? VmId { get; init; }

    /// <summary>MAC address of the workload's side where known, as 48 bits; 0 = unknown.</summary>
    public ulong VmMac { get; init; }

    /// <summary>Other names of the VM.</summary>
    public NameSet VmAliases { get; init; } = NameSet.Empty;

    /// <summary>The VM's tags.</summary>
    public NameSet VmTags { get; init; } = NameSet.Empty;
}
