// How the switches of a host hang together at one moment: Linux bridges and Open vSwitch, the patches between them, the
// firewall bridges in front of VMs, devices stacked on others. In: the kernel's links, Open vSwitch's view. Out: which
// switch an interface belongs to and by which of its two directions frames enter there. Pure; built anew for each look.
//
//   Proxmox, with its firewall:   VM ─ tap100i0 ─[fwbr100i0]─ fwln100i0 ══ fwpr100p0 ─[vmbr0]─ eth0
//   the same on Open vSwitch:     VM ─ tap100i0 ─[fwbr100i0]─ fwln100o0 (internal port of the bridge vmbr0)
//   OpenStack hybrid:             VM ─ tapX ─[qbrX]─ qvbX ══ qvoX ─[br-int]
using Tapline.Capture.Identity;
using Tapline.Capture.Ovs;

namespace Tapline.Capture.Points;

/// <summary>Switches and their ports.</summary>
internal sealed class SwitchLayout
{
    private static readonly string[] s_firewallNames = ["fwbr", "qbr"];
    private readonly IReadOnlyDictionary<int, LinkInfo> _links;
    private readonly OvsView _ovs;

    // Bridges that only stand between one workload and another switch, with the name of that switch.
    private readonly Dictionary<int, string> _firewalls = [];
    private readonly HashSet<int> _macvlanLowers;

    public SwitchLayout(IReadOnlyDictionary<int, LinkInfo> links, OvsView ovs)
    {
        _links = links;
        _ovs = ovs;
        _macvlanLowers = [.. links.Values.Where(LinkClassifier.IsMacvlan).Where(l => l.PeerNamespaceId < 0).Select(l => l.Link)];
        FindFirewalls();
    }

    /// <summary>The port of Open vSwitch that the interface is, or null.</summary>
    public OvsPort? OvsPortOf(LinkInfo link) => _ovs.Find(link);

    /// <summary>True for a bridge itself; its ports are the points, and its own outgoing direction.</summary>
    public bool IsSwitch(LinkInfo link) =>
        link.IsBridge || (link.Kind == "openvswitch" && OvsPortOf(link) is not { Owner: not null });

    /// <summary>True when the interface is a port of a switch: frames that it receives enter there.</summary>
    public bool IsPort(LinkInfo link) =>
        OvsPortOf(link) is { IsHostSide: false } || LinkClassifier.IsSwitchPort(link, _links) || _macvlanLowers.Contains(link.Index);

    /// <summary>True for a port of a bridge, Linux's or Open vSwitch's; not for a NIC that only has macvlan devices on it.</summary>
    public bool IsBridged(LinkInfo link) => OvsPortOf(link) is not null || LinkClassifier.IsSwitchPort(link, _links);

    /// <summary>
    /// True when frames enter the switch by what the device sends: an internal port of Open vSwitch, and a macvtap or macvlan
    /// device, whose sender is the workload itself.
    /// </summary>
    public bool EntersOutgoing(LinkInfo link) =>
        (OvsPortOf(link) is { IsHostSide: true } && !LinkClassifier.IsSwitchPort(link, _links)) || LinkClassifier.IsMacvlan(link);

    /// <summary>The switch of which the interface is directly a port, or null.</summary>
    public string? MasterOf(LinkInfo link)
    {
        if (OvsPortOf(link) is { } port && !LinkClassifier.IsSwitchPort(link, _links))
        {
            return port.Bridge;
        }

        if (OvsPortOf(link) is { IsHostSide: false } outer)
        {
            return outer.Bridge;
        }

        if (LinkClassifier.IsSwitchPort(link, _links))
        {
            // By one device the kernel's datapath receives all tunnels of a kind, whatever bridge they belong to.
            return _ovs.Ports.FirstOrDefault(p => !p.IsUserspace && OvsView.IsTunnelDevice(link, p.Type))?.Bridge
                ?? _links.GetValueOrDefault(link.Master)?.Name;
        }

        if (LinkClassifier.IsMacvlan(link))
        {
            return link.PeerNamespaceId < 0 ? _links.GetValueOrDefault(link.Link)?.Name : null;
        }

        return _macvlanLowers.Contains(link.Index) ? link.Name : null;
    }

    /// <summary>The switch that a workload's port belongs to for people: the one behind its firewall bridge, if it has one.</summary>
    public string? SwitchOf(LinkInfo link) =>
        LinkClassifier.IsSwitchPort(link, _links) && _firewalls.TryGetValue(link.Master, out var outer) ? outer : MasterOf(link);

    /// <summary>True when the switch of that name is Open vSwitch's.</summary>
    public bool IsOvs(string? name) => name is not null && _ovs.Bridges.Any(b => b.Name == name);

    /// <summary>True for a bridge that stands only between one workload and another switch.</summary>
    public bool IsFirewall(LinkInfo bridge) => _firewalls.ContainsKey(bridge.Index);

    /// <summary>
    /// The switch at the other side when the interface only joins two switches of this namespace, else null: what enters by
    /// it has already entered there. A veth between two bridges, or an internal port of Open vSwitch in a Linux bridge.
    /// </summary>
    public string? PatchedTo(LinkInfo link)
    {
        if (OvsPortOf(link) is { IsHostSide: true } port && LinkClassifier.IsSwitchPort(link, _links))
        {
            return port.Bridge;
        }

        return link.Kind == "veth" && link.PeerNamespaceId < 0 && IsPort(link)
            && _links.TryGetValue(link.Link, out var peer) && IsPort(peer)
            ? MasterOf(peer)
            : null;
    }

    /// <summary>The kind of point that the interface would be.</summary>
    public PointKind KindOf(LinkInfo link)
    {
        if (OvsPortOf(link) is { Owner: not null })
        {
            return PointKind.Monitor;
        }

        if (OvsPortOf(link) is { IsHostSide: true } && EntersOutgoing(link))
        {
            return PointKind.Host;
        }

        return _macvlanLowers.Contains(link.Index) && !IsBridged(link)
            ? PointKind.Uplink
            : LinkClassifier.KindOf(link, IsPort(link));
    }

    /// <summary>Who is behind the interface: what was found on the host, completed by what Open vSwitch was told.</summary>
    public VmIdentity? Complete(LinkInfo link, VmIdentity? found)
    {
        if (OvsPortOf(link) is not { } port)
        {
            return found;
        }

        if (port.IsHostSide || port.Owner is not null)
        {
            // The device is held by ovs-vswitchd, which is no workload.
            return null;
        }

        string[] words = [port.VmName, port.VmId, port.IfaceId, port.Mac == 0 ? "" : MacText.Format(port.Mac)];
        var name = HostileText.Clean(Array.Find(words, w => w.Length > 0));
        if (found is null && name.Length == 0)
        {
            return null;
        }

        // Whatever the machine is called, it is found by each of the words that Open vSwitch has for its port.
        var id = HostileText.Clean(port.VmId.Length > 0 ? port.VmId : port.IfaceId);
        var identity = found ?? new VmIdentity(name, id, port.Mac) { Source = "ovs" };
        return identity with
        {
            Mac = identity.Mac == 0 ? port.Mac : identity.Mac,
            Aliases = identity.Aliases.With(NameSet.Of(words.Where(w => w != identity.Name))),
        };
    }

    private void FindFirewalls()
    {
        var portsOf = _links.Values.Where(l => LinkClassifier.IsSwitchPort(l, _links)).ToLookup(l => l.Master);
        foreach (var bridge in _links.Values)
        {
            if (!bridge.IsBridge)
            {
                continue;
            }

            var ports = portsOf[bridge.Index].Take(3).ToArray();
            if (ports.Length == 2
                && (IsPatchBesideWorkload(ports[0], ports[1]) ?? IsPatchBesideWorkload(ports[1], ports[0])) is { } outer
                && outer != bridge.Name)
            {
                _firewalls[bridge.Index] = outer;
            }
        }

        KeepOneOfEachPair();
    }

    // A bridge with one machine and a firewall bridge looks from both sides the same: then the usual names decide.
    private void KeepOneOfEachPair()
    {
        foreach (var (index, outer) in _firewalls.ToArray())
        {
            var isAlsoOne = _firewalls.Any(f => _links[f.Key].Name == outer && f.Value == _links[index].Name);
            if (isAlsoOne && !s_firewallNames.Any(n => _links[index].Name.StartsWith(n, StringComparison.Ordinal)))
            {
                _firewalls.Remove(index);
            }
        }
    }

    private string? IsPatchBesideWorkload(LinkInfo patch, LinkInfo workload) =>
        LinkClassifier.LeadsToWorkload(workload) && PatchedTo(workload) is null ? PatchedTo(patch) : null;
}
