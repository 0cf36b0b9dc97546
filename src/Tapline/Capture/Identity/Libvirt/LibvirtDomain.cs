// A machine as libvirt describes it. Names and tags are hostile text that was cleaned. Immutable; any thread.
namespace Tapline.Capture.Identity;

/// <summary>One NIC of a domain.</summary>
/// <param name="Device">Its device on the host as libvirt names it; empty when it has none now.</param>
/// <param name="Mac">Its address; 0 when it is not told.</param>
internal sealed record LibvirtNic(string Device, ulong Mac);

/// <summary>A domain.</summary>
/// <param name="Name">libvirt's name of it.</param>
/// <param name="Uuid">Its UUID.</param>
/// <param name="IsActive">True while it runs: only then its devices are the host's.</param>
internal sealed record LibvirtDomain(string Name, string Uuid, bool IsActive)
{
    /// <summary>Title, and the name that the cloud on top gives.</summary>
    public NameSet Aliases { get; init; } = NameSet.Empty;

    public NameSet Tags { get; init; } = NameSet.Empty;

    public IReadOnlyList<LibvirtNic> Nics { get; init; } = [];

    /// <summary>The domain as the directory has it.</summary>
    public Vm ToVm() => new(Name, Uuid, "libvirt")
    {
        Aliases = Aliases,
        Tags = Tags,
        Macs = [.. Nics.Select(n => n.Mac).Where(m => m != 0).Distinct()],
    };
}
