// Names of the devices that Tapline makes for itself. They are nobody's ports: whoever lists or captures interfaces leaves
// them out, those of other engines too.
namespace Tapline.Base;

/// <summary>Knows our own devices by name and kind.</summary>
internal static class OwnDevices
{
    /// <summary>A tap device that a tunnel device stands on and goes with; %d is a number that the kernel chooses.</summary>
    public const string HolderPattern = HolderPrefix + "%d";

    /// <summary>A tunnel device; the number of its holder follows.</summary>
    public const string TunnelPrefix = "tapline-v";

    private const string HolderPrefix = "tapline-h";

    /// <summary>The tunnel device that stands on a holder.</summary>
    public static string TunnelOf(string holder) => TunnelPrefix + holder[HolderPrefix.Length..];

    /// <summary>True for a device that a Tapline made.</summary>
    public static bool Contains(string name, string kind) =>
        (kind == "tun" && name.StartsWith(HolderPrefix, StringComparison.Ordinal))
        || (kind == "vxlan" && name.StartsWith(TunnelPrefix, StringComparison.Ordinal));
}
