// Patterns → wanted points. In: what the operator wrote, the interfaces, who stands behind them, whom never to touch.
// Out: the points of this moment; asked again after each change. Pure, control thread.
//
//   NAME, GLOB      interfaces; the name of a bridge means bridge:NAME; globs skip bridges and loopback
//   bridge:NAME     all ports of the switch and the host's own traffic into it (globs allowed, as below)
//   host:NAME       only the host's own traffic into the bridge
//   vm:NAME         the ports of that VM
//   uplink          the ports that lead out of the host
//   all             every port of every switch and the host's own traffic
namespace Tapline.Capture.Points;

/// <summary>Selects observation points.</summary>
internal sealed class PointSelector
{
    private static readonly string[] s_otherSources = ["ovs", "vxlan", "geneve", "gre", "erspan", "file"];
    private readonly string[] _patterns;

    private PointSelector(string[] patterns) => _patterns = patterns;

    /// <summary>Checks the patterns; null and one sentence when one cannot be meant.</summary>
    public static PointSelector? Parse(IReadOnlyList<string> patterns, out string error)
    {
        foreach (var pattern in patterns)
        {
            var colon = pattern.IndexOf(':');
            var form = colon < 0 ? "" : pattern[..colon];
            if (pattern.Length == 0 || colon == pattern.Length - 1)
            {
                error = $"`{pattern}` names no observation point; `tapline points` lists those that exist.";
                return null;
            }

            if (Array.IndexOf(s_otherSources, form) >= 0)
            {
                error = $"`{pattern}` cannot be captured live in this version; use an interface name, bridge:NAME or vm:NAME.";
                return null;
            }
        }

        error = "";
        return new PointSelector(patterns.Count == 0 ? ["all"] : [.. patterns]);
    }

    /// <summary>One sentence when a pattern names an interface or a switch that does not exist; null when all do.</summary>
    public string? FindUnknown(IReadOnlyDictionary<int, LinkInfo> links)
    {
        foreach (var pattern in _patterns)
        {
            var (form, name) = Split(pattern);
            if (Glob.HasWildcard(name) || form is "vm" or "uplink" or "all")
            {
                continue;
            }

            var isSwitch = form is "bridge" or "host";
            if (!links.Values.Any(l => l.Name == name && (!isSwitch || IsSwitch(l))))
            {
                return $"There is no {(isSwitch ? "switch" : "interface")} `{name}` here; `tapline points` lists those that exist.";
            }
        }

        return null;
    }

    /// <summary>True when a bridge's own traffic may be asked for now or later.</summary>
    public bool MayWantHosts(IReadOnlyDictionary<int, LinkInfo> links) => _patterns.Any(pattern =>
    {
        var (form, name) = Split(pattern);
        return form is "all" or "bridge" or "host" || links.Values.Any(l => l.IsBridge && l.Name == name);
    });

    /// <summary>The wanted points, each once, ports before hosts.</summary>
    public List<SelectedPoint> Select(
        IReadOnlyDictionary<int, LinkInfo> links, IReadOnlyDictionary<int, VmIdentity> workloads, IReadOnlySet<int> excluded)
    {
        var ports = new List<SelectedPoint>();
        var hosts = new List<SelectedPoint>();
        foreach (var link in links.Values.OrderBy(l => l.Index))
        {
            if (excluded.Contains(link.Index))
            {
                continue;
            }

            if (link.IsBridge && _patterns.Any(p => WantsHost(p, link)))
            {
                hosts.Add(new SelectedPoint(link, PointKind.Host, link.Name, null, NeedsPromiscuousMode: false));
            }

            var vm = workloads.GetValueOrDefault(link.Index);
            if (!IsSwitch(link) && _patterns.Any(p => WantsPort(p, link, vm, links)))
            {
                ports.Add(Describe(link, vm, links));
            }
        }

        return [.. ports, .. hosts];
    }

    /// <summary>What a port would be as a point.</summary>
    public static SelectedPoint Describe(LinkInfo link, VmIdentity? vm, IReadOnlyDictionary<int, LinkInfo> links)
    {
        var isPort = LinkClassifier.IsSwitchPort(link, links);
        var master = isPort ? links.GetValueOrDefault(link.Master)?.Name : null;
        return new SelectedPoint(
            link, LinkClassifier.KindOf(link, links), master, vm, NeedsPromiscuousMode: !isPort && !link.IsLoopback);
    }

    private static bool WantsHost(string pattern, LinkInfo bridge)
    {
        var (form, name) = Split(pattern);
        return form switch
        {
            "all" => true,
            "bridge" or "host" => Glob.Matches(name, bridge.Name),
            "" => name == bridge.Name,
            _ => false,
        };
    }

    private static bool WantsPort(string pattern, LinkInfo link, VmIdentity? vm, IReadOnlyDictionary<int, LinkInfo> links)
    {
        var (form, name) = Split(pattern);
        var isPort = LinkClassifier.IsSwitchPort(link, links);
        var master = isPort ? links.GetValueOrDefault(link.Master)?.Name ?? "" : "";
        return form switch
        {
            "all" => isPort && !LinkClassifier.IsPatch(link, links),
            "uplink" => isPort && LinkClassifier.KindOf(link, links) == PointKind.Uplink,
            "bridge" => isPort && Glob.Matches(name, master),
            "vm" => vm is not null && (Glob.Matches(name, vm.Name) || name == vm.Id),
            "host" => false,
            _ when Glob.HasWildcard(name) => !link.IsLoopback && Glob.Matches(name, link.Name),
            _ => name == link.Name || (isPort && name == master),
        };
    }

    private static (string Form, string Name) Split(string pattern)
    {
        if (pattern is "all" or "uplink")
        {
            return (pattern, "*");
        }

        var colon = pattern.IndexOf(':');
        var form = colon < 0 ? "" : pattern[..colon];
        // An interface may have a colon in its name (old-style alias); only known words are forms.
        return form is "bridge" or "host" or "vm" ? (form, pattern[(colon + 1)..]) : ("", pattern);
    }

    private static bool IsSwitch(LinkInfo link) => link.Kind is "bridge" or "openvswitch";
}
