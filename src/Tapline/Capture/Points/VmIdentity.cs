// Who stands behind a switch port.
using Tapline.Capture.Identity;

namespace Tapline.Capture.Points;

/// <summary>A workload as found on the host. Name and id come from the workload's owner: hostile text, bounded and cleaned.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Id">UUID, container id, namespace or process as text.</param>
/// <param name="Mac">MAC address of the workload's side, 0 = unknown.</param>
internal sealed record VmIdentity(string Name, string Id, ulong Mac)
{
    /// <summary>
    /// Where the name comes from, for people: <c>libvirt</c>, <c>qemu</c>, <c>ovs</c>, <c>process</c>, <c>container</c>,
    /// <c>netns</c>, <c>inventory</c>.
    /// </summary>
    public string Source { get; init; } = "process";

    /// <summary>Other names that mean it, too.</summary>
    public NameSet Aliases { get; init; } = NameSet.Empty;

    public NameSet Tags { get; init; } = NameSet.Empty;

    /// <summary>True when name, another name or id is meant (<c>*</c> and <c>?</c> in names).</summary>
    public bool IsNamed(string pattern) => Glob.Matches(pattern, Name) || pattern == Id || Aliases.HasLike(pattern);

    /// <summary>
    /// The same with what the inventory says of it, by the address of its NIC, its id or its name. The inventory's name is the
    /// one that people use; the host's stays as another one.
    /// </summary>
    public VmIdentity CompletedBy(VmInventory inventory)
    {
        if ((inventory.OfMac(Mac) ?? inventory.OfId(Id) ?? inventory.OfName(Name)) is not { } told)
        {
            return this;
        }

        var isRenamed = told.Name != Name;
        return this with
        {
            Name = told.Name,
            Source = isRenamed ? "inventory" : Source,
            Tags = Tags.With(told.Tags),
            Aliases = isRenamed ? Aliases.With(NameSet.Of([Name])) : Aliases,
        };
    }
}
