// Patterns → wanted points. In: what the operator wrote, the interfaces, who stands behind them, whom never to touch.
// Out: the points of this moment; asked again after each change. Pure, control thread.
//
//   NAME, GLOB      interfaces; the name of a switch means all its ports; globs skip bridges and loopback
//   bridge:NAME     all ports of the Linux bridge and the host's own traffic into it (globs allowed, as below)
//   ovs:NAME        the same for a bridge of Open vSwitch
//   host:NAME       only the host's own traffic into the bridge
//   vm:NAME         the ports of that VM (name, other name, glob or id)
//   tag:NAME        the ports of all VMs with that tag (globs allowed)
//   uplink          the ports that lead out of the host
//   all             every port of every switch and the host's own traffic
//   vxlan://… and its kin   a tunnel listener (TunnelUrl)
//
// A port behind a firewall bridge belongs to the switch behind that; a patch is taken only where what enters by it is not
// taken where it entered first. So a frame is seen once, whatever switches it crosses.
using Tapline.Capture.Identity;
using Tapline.Capture.Ovs;
using Tapline.Capture.Tunnels;

namespace Tapline.Capture.Points;

/// <summary>Selects observation points.</summary>
internal sealed class PointSelector
{
    private readonly string[] _patterns;

    private PointSelector(string[] patterns, IReadOnlyList<TunnelUrl> tunnels)
    {
        _patterns = patterns;
        Tunnels = tunnels;
    }

    /// <summary>The tunnel listeners among the patterns; they are no interfaces and are opened apart.</summary>
    public IReadOnlyList<TunnelUrl> Tunnels { get; }

    /// <summary>True when some pattern may name an interface.</summary>
    public bool HasInterfaces => _patterns.Length > 0;

    /// <summary>Checks the patterns; null and one sentence when one cannot be meant.</summary>
    public static PointSelector? Parse(IReadOnlyList<string> patterns, out string error)
    {
        var interfaces = new List<string>();
        var tunnels = new List<TunnelUrl>();
        foreach (var pattern in patterns)
        {
            if (TunnelUrl.IsTunnel(pattern))
            {
                if (TunnelUrl.Parse(pattern, out error) is not { } tunnel)
                {
                    return null;
                }

                if (!tunnels.Exists(t => t.Text == tunnel.Text))
                {
                    tunnels.Add(tunnel);
                }

                continue;
            }

            interfaces.Add(pattern);
            var colon = pattern.IndexOf(':');
            var form = colon < 0 ? "" : pattern[..colon];
            if (pattern.Length == 0 || colon == pattern.Length - 1)
            {
                error = $"`{pattern}` names no observation point; `tapline points` lists those that exist.";
                return null;
            }

            if (form == "file")
            {
                error = $"`{pattern}` cannot be captured live; `tapline read` analyses files.";
                return null;
            }
        }

        error = "";
        return new PointSelector(patterns.Count == 0 ? ["all"] : [.. interfaces], tunnels);
    }

    /// <summary>True when some pattern asks for all ports of a bridge of Open vSwitch.</summary>
    public bool WantsOvsBridge(string bridge) => _patterns.Any(pattern =>
    {
        var (form, name) = Split(pattern);
        return form == "all" || (form == "ovs" && Glob.Matches(name, bridge)) || (form.Length == 0 && name == bridge);
    });

    /// <summary>True when Open vSwitch's database must be there for the patterns to mean anything.</summary>
    public bool NeedsOvs => _patterns.Any(p => Split(p).Form == "ovs");

    /// <summary>One sentence when a pattern names an interface or a switch that does not exist; null when all do.</summary>
    public string? FindUnknown(IReadOnlyDictionary<int, LinkInfo> links, OvsView? ovs = null, string? ovsFault = null)
    {
        ovs ??= OvsView.Empty;
        foreach (var pattern in _patterns)
        {
            var (form, name) = Split(pattern);
            if (form == "ovs")
            {
                if (FindUnknownOvs(name, ovs, ovsFault) is { } mistake)
                {
                    return mistake;
                }

                continue;
            }

            if (Glob.HasWildcard(name) || form is "vm" or "tag" or "uplink" or "all")
            {
                continue;
            }

            var isOvs = ovs.Bridges.Any(b => b.Name == name);
            if (form == "bridge" && isOvs && !links.Values.Any(l => l.IsBridge && l.Name == name))
            {
                return $"`{name}` is a bridge of Open vSwitch; write ovs:{name}.";
            }

            var isSwitch = form is "bridge" or "host";
            if (!isOvs && !links.Values.Any(l => l.Name == name && (!isSwitch || l.Kind is "bridge" or "openvswitch")))
            {
                return $"There is no {(isSwitch ? "switch" : "interface")} `{name}` here; `tapline points` lists those that exist.";
            }
        }

        return null;
    }

    /// <summary>
    /// The patterns for machines (<c>vm:</c>, <c>tag:</c>) that stand in front of none of these points now.
    /// </summary>
    public IEnumerable<string> FindIdle(IReadOnlyList<SelectedPoint> selected) => _patterns.Where(pattern =>
    {
        var (form, name) = Split(pattern);
        return form switch
        {
            "vm" => !selected.Any(p => p.Vm?.IsNamed(name) == true),
            "tag" => !selected.Any(p => p.Vm?.Tags.HasLike(name) == true),
            _ => false,
        };
    });

    /// <summary>True when the outgoing direction of some device may be asked for now or later.</summary>
    public bool MayWantHosts(IReadOnlyDictionary<int, LinkInfo> links, OvsView? ovs = null) => _patterns.Any(pattern =>
    {
        var (form, name) = Split(pattern);
        return form is "all" or "bridge" or "ovs" or "host" or "vm" or "tag"
            || links.Values.Any(l => (l.IsBridge && l.Name == name) || (LinkClassifier.IsMacvlan(l) && Glob.Matches(name, l.Name)))
            || (ovs ?? OvsView.Empty).Ports.Any(p => p.IsHostSide && (p.Bridge == name || Glob.Matches(name, p.Name)));
    });

    /// <summary>The wanted points, each once, ports before those that are captured in the outgoing direction.</summary>
    public List<SelectedPoint> Select(
        IReadOnlyDictionary<int, LinkInfo> links, IReadOnlyDictionary<int, VmIdentity> workloads, IReadOnlySet<int> excluded,
        OvsView? ovs = null, VmInventory? inventory = null)
    {
        var layout = new SwitchLayout(links, ovs ?? OvsView.Empty);
        var ports = new List<SelectedPoint>();
        var hosts = new List<SelectedPoint>();
        var patches = new HashSet<int>();
        foreach (var link in links.Values.OrderBy(l => l.Index))
        {
            // The output port of a mirror that another run of Tapline made is not for us.
            if (excluded.Contains(link.Index) || layout.OvsPortOf(link) is { Owner: { IsSelf: false } })
            {
                continue;
            }

            if (link.IsBridge && _patterns.Any(p => WantsBridge(p, link, layout)))
            {
                hosts.Add(new SelectedPoint(link, PointKind.Host, link.Name, null, NeedsPromiscuousMode: false));
            }
            else if (layout.EntersOutgoing(link) || !layout.IsSwitch(link))
            {
                var point = Describe(link, workloads.GetValueOrDefault(link.Index), layout, inventory);
                var wanted = _patterns.Where(p => WantsPort(p, point, layout)).ToArray();
                if (wanted.Length > 0)
                {
                    (point.IsHost ? hosts : ports).Add(point);
                    if (!wanted.Any(p => Names(p, link)))
                    {
                        patches.Add(link.Index);
                    }
                }
            }
        }

        RemoveCoveredPatches(ports, patches, links, layout);
        return [.. ports, .. hosts];
    }

    /// <summary>What a port would be as a point.</summary>
    public static SelectedPoint Describe(
        LinkInfo link, VmIdentity? vm, SwitchLayout layout, VmInventory? inventory = null)
    {
        var needsPromiscuousMode = !layout.IsPort(link) && !layout.EntersOutgoing(link) && !link.IsLoopback
            && layout.OvsPortOf(link) is null;
        return new SelectedPoint(
            link, layout.KindOf(link), layout.SwitchOf(link),
            layout.Complete(link, vm)?.CompletedBy(inventory ?? VmInventory.Empty), needsPromiscuousMode)
        {
            IsOutgoing = layout.EntersOutgoing(link),
        };
    }

    private static string? FindUnknownOvs(string name, OvsView ovs, string? fault)
    {
        if (ovs.Bridges.Count == 0 && fault is not null)
        {
            return fault;
        }

        if (Glob.HasWildcard(name) || ovs.Bridges.Any(b => b.Name == name))
        {
            return null;
        }

        var others = string.Join(", ", ovs.Bridges.Select(b => HostileText.Clean(b.Name)).Take(8));
        return others.Length == 0
            ? $"Open vSwitch has no bridge `{name}`, and no other; make one with ovs-vsctl add-br."
            : $"Open vSwitch has no bridge `{name}`; it has {others}.";
    }

    // A patch that was named by nobody is given up when all ports of the switch behind it are taken: what enters by it
    // has been seen there.
    private static void RemoveCoveredPatches(
        List<SelectedPoint> ports, HashSet<int> unnamed, IReadOnlyDictionary<int, LinkInfo> links, SwitchLayout layout)
    {
        var taken = ports.Select(p => p.Link.Index).ToHashSet();
        ports.RemoveAll(port => unnamed.Contains(port.Link.Index) && layout.PatchedTo(port.Link) is { } behind
            && links.Values.Where(l => layout.IsPort(l) && layout.SwitchOf(l) == behind && layout.PatchedTo(l) is null)
                .All(l => taken.Contains(l.Index)));
    }

    private static bool WantsBridge(string pattern, LinkInfo bridge, SwitchLayout layout)
    {
        var (form, name) = Split(pattern);
        return form switch
        {
            // Nobody has an address on a bridge that is only a VM's firewall.
            "all" => !layout.IsFirewall(bridge),
            "bridge" => Glob.Matches(name, bridge.Name) && (!layout.IsFirewall(bridge) || !Glob.HasWildcard(name)),
            "host" => Glob.Matches(name, bridge.Name),
            "" => name == bridge.Name,
            _ => false,
        };
    }

    private static bool WantsPort(string pattern, SelectedPoint point, SwitchLayout layout)
    {
        var (form, name) = Split(pattern);
        var link = point.Link;
        var isPort = layout.IsPort(link) || point.IsOutgoing;
        return form switch
        {
            "all" => isPort && layout.PatchedTo(link) is null,
            "uplink" => isPort && point.Kind == PointKind.Uplink,
            "bridge" => WantsPortOf(name, link, layout, ofOvs: false),
            "ovs" => WantsPortOf(name, link, layout, ofOvs: true),
            "vm" => point.Vm?.IsNamed(name) == true,
            "tag" => point.Vm?.Tags.HasLike(name) == true,
            "host" => point.Kind == PointKind.Host && Glob.Matches(name, link.Name),
            _ when Glob.HasWildcard(name) => !link.IsLoopback && Glob.Matches(name, link.Name),
            _ => name == link.Name || WantsPortOf(name, link, layout, layout.IsOvs(name)),
        };
    }

    // True for a pattern that means this interface and not the switch it belongs to.
    private static bool Names(string pattern, LinkInfo link)
    {
        var (form, name) = Split(pattern);
        return form.Length == 0 && Glob.Matches(name, link.Name);
    }

    // Ports of the switch, and those behind firewall bridges of it in place of the patches that lead there.
    private static bool WantsPortOf(string pattern, LinkInfo link, SwitchLayout layout, bool ofOvs)
    {
        if (!layout.IsBridged(link))
        {
            return false;
        }

        var master = layout.MasterOf(link);
        var outer = layout.SwitchOf(link);
        return (outer is not null && layout.IsOvs(outer) == ofOvs && Glob.Matches(pattern, outer))
            || (master is not null && master != outer && layout.IsOvs(master) == ofOvs && pattern == master);
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
        return form is "bridge" or "ovs" or "host" or "vm" or "tag" ? (form, pattern[(colon + 1)..]) : ("", pattern);
    }
}
