// A virtual machine (or container) as the directory knows it: from the host's own programs, from libvirt, from an inventory
// file. All text was cleaned and bounded by whoever read it. Immutable; any thread.
namespace Tapline.Capture.Identity;

/// <summary>A known machine.</summary>
/// <param name="Name">Name for people.</param>
/// <param name="Id">UUID, container id or the inventory's own number; empty when nobody told.</param>
/// <param name="Source">Who told: <c>qemu</c>, <c>libvirt</c>, <c>inventory</c>, <c>container</c>, …</param>
public sealed record Vm(string Name, string Id, string Source)
{
    /// <summary>Other names: a title, the name that a cloud gives, the name that the host knows.</summary>
    public NameSet Aliases { get; init; } = NameSet.Empty;

    public NameSet Tags { get; init; } = NameSet.Empty;

    /// <summary>Addresses of its NICs, 48 bits each.</summary>
    public IReadOnlyList<ulong> Macs { get; init; } = [];

    /// <summary>IP addresses and networks that are its.</summary>
    public IReadOnlyList<IpPrefix> Addresses { get; init; } = [];

    /// <summary>Numbers of the observation points in front of it.</summary>
    public IReadOnlyList<ushort> Points { get; init; } = [];

    /// <summary>True when name, another name or id is meant (<c>*</c> and <c>?</c> in names).</summary>
    public bool IsNamed(string pattern) =>
        Tapline.Capture.Points.Glob.Matches(pattern, Name) || Aliases.HasLike(pattern) || (Id.Length > 0 && Id == pattern);
}
