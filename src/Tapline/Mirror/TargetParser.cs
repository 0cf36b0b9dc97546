// The operator's `--to` text becomes a target, or one sentence that says what can be written there.
namespace Tapline.Mirror;

/// <summary>Parses mirror targets. Pure: whether the interface exists is asked when the session starts.</summary>
public static class TargetParser
{
    /// <summary>IFNAMSIZ of linux/if.h without the closing zero.</summary>
    private const int InterfaceNameCharactersMax = 15;

    private static readonly string[] s_laterKinds =
    [
        "vxlan://", "geneve://", "gre://", "erspan://", "file:", "pcap-over-ip://", "stdout",
    ];

    /// <summary>Null and one sentence in <paramref name="error"/> when the text names no target.</summary>
    public static MirrorTarget? Parse(string text, out string? error)
    {
        error = null;
        foreach (var kind in s_laterKinds)
        {
            if (text.StartsWith(kind, StringComparison.Ordinal))
            {
                error = $"The target {kind.TrimEnd('/', ':')} is not built yet; use nic:INTERFACE.";
                return null;
            }
        }

        if (!text.StartsWith("nic:", StringComparison.Ordinal))
        {
            error = $"\"{text}\" is not a target; write nic:INTERFACE, for example nic:eth2.";
            return null;
        }

        var name = text["nic:".Length..];
        if (!IsInterfaceName(name))
        {
            error = $"\"{name}\" is not an interface name; write nic:INTERFACE, for example nic:eth2.";
            return null;
        }

        return new MirrorTarget(MirrorTargetKind.Nic, name);
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
