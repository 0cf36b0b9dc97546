// nic:INTERFACE: an Ethernet interface of this host, the tool port.
namespace Tapline.Mirror.Targets;

/// <summary>A tool port.</summary>
/// <param name="Name">The interface's name.</param>
public sealed record NicTarget(string Name) : MirrorTarget
{
    private const string Prefix = "nic:";

    /// <summary>IFNAMSIZ of linux/if.h without the closing zero.</summary>
    private const int InterfaceNameCharactersMax = 15;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Interfaces => [Name];

    /// <inheritdoc/>
    protected override string Text => Prefix + Name;

    /// <summary>Null and one sentence when what follows the prefix names no interface.</summary>
    internal static MirrorTarget? Parse(TargetText text, out string? error)
    {
        var name = text.Place;
        error = IsInterfaceName(name) ? null : $"\"{name}\" is not an interface name; write nic:INTERFACE, for example nic:eth2.";
        return error is null ? new NicTarget(name) : null;
    }

    // dev_valid_name() of the kernel: not empty, not "." or "..", no '/', ':' or white space.
    private static bool IsInterfaceName(string name)
    {
        if (name.Length is 0 or > InterfaceNameCharactersMax || name is "." or "..")
        {
            return false;
        }

        foreach (var c in name)
        {
            if (c is '/' or ':' || char.IsWhiteSpace(c) || char.IsControl(c))
            {
                return false;
            }
        }

        return true;
    }
}
