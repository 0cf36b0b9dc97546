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
        ("file:", FileTarget.Parse),
        ("pcap-over-ip://", PcapOverIpTarget.Parse),
        ("stdout", StdoutTarget.Parse),
    ];

    /// <summary>Null and one sentence in <paramref name="error"/> when the text names no target.</summary>
    public static MirrorTarget? Parse(string text, out string? error)
    {
        var texts = Split(text);
        if (texts.Count == 1)
        {
            return ParseOne(text, out error);
        }

        var members = new List<MirrorTarget>();
        var weights = new List<int>();
        foreach (var one in texts)
        {
            var memberText = one;
            var weight = GroupTarget.TakeWeight(ref memberText, out error);
            if (weight < 0 || ParseOne(memberText, out error) is not { } member)
            {
                return null;
            }

            members.Add(member);
            weights.Add(weight);
        }

        return GroupTarget.Of(members, weights, out error);
    }

    // A bar may stand in a path; between two targets it stands before the second one's kind.
    private static List<string> Split(string text)
    {
        var texts = new List<string>();
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == GroupTarget.Separator
                && Array.Exists(s_kinds, k => text.AsSpan(i + 1).StartsWith(k.Prefix, StringComparison.Ordinal)))
            {
                texts.Add(text[start..i]);
                start = i + 1;
            }
        }

        texts.Add(text[start..]);
        return texts;
    }

    private static MirrorTarget? ParseOne(string text, out string? error)
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

        error = $"\"{text}\" is not a target; write nic:INTERFACE (for example nic:eth2), vxlan://HOST?vni=N, geneve://, gre://, "
            + "erspan://, tzsp://, file:PATH, pcap-over-ip://:PORT or stdout.";
        return null;
    }
}
