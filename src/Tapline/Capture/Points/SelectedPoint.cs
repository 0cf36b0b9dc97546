// One interface that the patterns ask for, before it has an identifier.
namespace Tapline.Capture.Points;

/// <summary>A wanted point.</summary>
/// <param name="Link">The interface; for the host's own traffic the bridge.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Switch">Name of its switch, or null.</param>
/// <param name="Vm">Who stands behind it, or null.</param>
/// <param name="NeedsPromiscuousMode">True for a NIC that is no switch port: the bridge has the others so already.</param>
internal sealed record SelectedPoint(
    LinkInfo Link, PointKind Kind, string? Switch, VmIdentity? Vm, bool NeedsPromiscuousMode)
{
    /// <summary>True when frames enter the switch by what the device sends, though it is no bridge (a macvtap device).</summary>
    public bool IsOutgoing { get; init; }

    /// <summary>True when the outgoing direction is captured: of a bridge device, or because it is the way in.</summary>
    public bool IsHost => Kind == PointKind.Host || IsOutgoing;
}
