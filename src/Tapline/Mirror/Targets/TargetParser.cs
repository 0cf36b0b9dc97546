// The operator's `--to` text becomes a target, or one sentence that says what can be written there.
namespace Tapline.Mirror.Targets;

/// <summary>Parses mirror targets. Pure: whether the interface or host exists is asked when the session starts.</summary>
public static class TargetParser
{
    private delegate MirrorTarget? KindParser(TargetText text, out string? error);

    private static readonly (string Prefix, KindParser Parse)[] s_kinds =
    [
        ("nic:", NicTarget.Parse),
        ("vxlan://", TunnelTarget.Parse),
        ("geneve://", TunnelTarget.Parse),
        ("gre://", TunnelTarget.Parse),
        ("erspan://", TunnelTarget.Parse),
        ("tzsp://", TunnelTarget.Parse),
        ("file:", NotYet),
        ("pcap-over-ip://", NotYet),
        ("stdout", NotYet),
    ];

    /// <summary>Null and one sentence in <paramref name="error"/> when the text names no target.</summary>
    public static MirrorTarget? Parse(string text, out string? error)
    {
        foreach (var (prefix, parse) in s_kinds)
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal))
            {
                var parts = new TargetText(text, prefix);
                var target = parse(parts, out error);
                error ??= parts.Finish();
                return error is null ? target : null;
            }
        }

        error = $"\"{text}\" is not a target; write nic:INTERFACE, for example nic:eth2.";
        return null;
    }

    private static MirrorTarget? NotYet(TargetText text, out string? error)
    {
        error = $"The target {text.Kind} is not built yet; use nic:INTERFACE.";
        return null;
    }
}
