// Who stands behind a switch port.
namespace Tapline.Capture.Points;

/// <summary>A workload as found on the host. Name and id come from the workload's owner: hostile text, bounded and cleaned.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Id">UUID, container id, namespace or process as text.</param>
/// <param name="Mac">MAC address of the workload's side, 0 = unknown.</param>
internal sealed record VmIdentity(string Name, string Id, ulong Mac)
{
    /// <summary>Where the name comes from, for people: <c>qemu</c>, <c>ovs</c>, <c>process</c>, <c>container</c>, <c>netns</c>.</summary>
    public string Source { get; init; } = "process";
}
