// What could be observed on this host, for people: switches, their ports, other interfaces, and which of them the given
// patterns would capture. Asks the kernel and /proc once; changes nothing; needs no privilege (but sees less without).
using Tapline.Capture.Identity;
using Tapline.Capture.Ovs;

namespace Tapline.Capture.Points;

/// <summary>The host's possible observation points at one moment.</summary>
public sealed class PointInventory
{
    private static readonly TimeSpan s_libvirtTimeMax = TimeSpan.FromSeconds(3);

    private PointInventory(IReadOnlyList<FoundPoint> points, IReadOnlyList<string> hidden)
    {
        Points = points;
        Hidden = hidden;
    }

    /// <summary>Switch by switch: the host's side, uplinks, VM ports; then interfaces outside switches.</summary>
    public IReadOnlyList<FoundPoint> Points { get; }

    /// <summary>What this process cannot see, one sentence each.</summary>
    public IReadOnlyList<string> Hidden { get; }

    /// <summary>Looks around. Null and one sentence for patterns that cannot be meant.</summary>
    public static PointInventory? Read(IReadOnlyList<string> patterns, out string error) => Read(patterns, null, out error);

    /// <summary>The same with Open vSwitch's database at another place.</summary>
    public static PointInventory? Read(IReadOnlyList<string> patterns, string? ovsDatabase, out string error) =>
        Read(patterns, ovsDatabase, VmInventory.Empty, [], out error);

    /// <summary>The same with what an inventory says of the VMs, and libvirt (null = the host's daemon, if there is one).</summary>
    public static PointInventory? Read(
        IReadOnlyList<string> patterns, string? ovsDatabase, VmInventory vms, IReadOnlyList<string>? libvirtUris,
        out string error)
    {
        if (PointSelector.Parse(patterns, out error) is not { } selector || WorkloadInventory.Open(out error) is not { } workloads)
        {
            return null;
        }

        using (workloads)
        {
            using var inventory = LinkInventory.Open(out error);
            if (inventory?.ReadAll() is not { } links)
            {
                error = "The kernel does not list its interfaces over netlink.";
                return null;
            }

            using var libvirt = LibvirtFollower.Start(libvirtUris, () => { }, out var libvirtNotice);
            libvirt?.WaitForFirstLook(s_libvirtTimeMax);
            using var session = OvsSession.Open(OvsSession.PathOrDefault(ovsDatabase), out var ovsFault);
            var ovs = session?.View ?? OvsView.Empty;
            if (selector.FindUnknown(links, ovs, session is null ? ovsFault : null) is { } unknown)
            {
                error = unknown;
                return null;
            }

            var names = workloads.Find(links.Values, libvirt?.Domains ?? []);
            var layout = new SwitchLayout(links, ovs);
            var selected = selector.Select(links, names, new HashSet<int>(), ovs, vms).Select(s => s.Link.Index).ToHashSet();
            var points = links.Values
                .Where(l => !l.IsLoopback)
                .Select(l => Describe(l, names.GetValueOrDefault(l.Index), layout, vms, selected.Contains(l.Index)))
                .Concat(Unseen(ovs, links.Values.ToArray()))
                .Concat(selector.Tunnels.Select(t => Describe(t)))
                .OrderBy(p => p.Switch is null)
                .ThenBy(p => p.Switch, StringComparer.Ordinal)
                .ThenBy(p => p.Kind == PointKind.Host ? 0 : p.Kind == PointKind.Uplink ? 1 : 2)
                .ThenBy(p => p.Name, StringComparer.Ordinal);
            return new PointInventory([.. points],
            [
                .. HiddenFromUs(links, names, OvsRemark(links, ovsDatabase, ovsFault)),
                .. libvirtNotice is null ? libvirt?.Notices ?? [] : [libvirtNotice],
            ]);
        }
    }

    private static FoundPoint Describe(
        LinkInfo link, VmIdentity? found, SwitchLayout layout, VmInventory vms, bool isCaptured)
    {
        var point = PointSelector.Describe(link, found, layout, vms);
        return new FoundPoint
        {
            Name = link.Name,
            InterfaceIndex = link.Index,
            Kind = link.IsBridge ? PointKind.Host : point.Kind,
            Device = DeviceOf(link),
            Switch = link.IsBridge ? link.Name : point.Switch,
            Vm = point.Vm?.Name,
            VmId = point.Vm?.Id,
            VmSource = point.Vm?.Source,
            VmAliases = point.Vm?.Aliases ?? NameSet.Empty,
            VmTags = point.Vm?.Tags ?? NameSet.Empty,
            Mac = point.Vm is { Mac: > 0 } vm ? vm.Mac : link.Mac,
            State = link.IsUp ? PointState.Up : PointState.Down,
            MtuBytes = link.MtuBytes,
            IsCaptured = isCaptured,
            Remark = RemarkOf(link, layout),
        };
    }

    private static FoundPoint Describe(Tunnels.TunnelUrl tunnel) => new()
    {
        Name = tunnel.Text,
        InterfaceIndex = 0,
        Kind = PointKind.Tunnel,
        Device = tunnel.Protocol.ToString().ToLowerInvariant(),
        State = PointState.Up,
        IsCaptured = true,
    };

    // Ports of Open vSwitch that have no interface here: the reason, and the mend.
    private static IEnumerable<FoundPoint> Unseen(OvsView ovs, LinkInfo[] links) =>
        from port in ovs.Ports
        let why = ovs.WhyUnseen(port, links)
        where why is not null
        select new FoundPoint
        {
            Name = HostileText.Clean(port.Name),
            InterfaceIndex = 0,
            Kind = PointKind.Port,
            Device = port.Type.Length > 0 ? HostileText.Clean(port.Type) : "system",
            Switch = HostileText.Clean(port.Bridge),
            Vm = port.VmId.Length > 0 ? HostileText.Clean(port.VmName.Length > 0 ? port.VmName : port.VmId) : null,
            VmId = port.VmId.Length > 0 ? HostileText.Clean(port.VmId) : null,
            Mac = port.Mac,
            State = port.OpenFlowPort >= 0 ? PointState.Up : PointState.Down,
            IsCaptured = false,
            Remark = why,
        };

    private static string DeviceOf(LinkInfo link) => link switch
    {
        { Kind: "tun", IsTapDevice: true } => "tap",
        { Kind: "" } => link.IsLoopback ? "loopback" : "physical",
        _ => link.Kind,
    };

    private static string? RemarkOf(LinkInfo link, SwitchLayout layout)
    {
        if (layout.PatchedTo(link) is { } behind)
        {
            return $"patch to {HostileText.Clean(behind)}: its frames have entered there";
        }

        if (LinkClassifier.IsMacvlan(link))
        {
            return "what the workload sends is seen here, what comes from outside at the NIC below";
        }

        if (layout.OvsPortOf(link) is not { } port)
        {
            return null;
        }

        return port switch
        {
            { Owner: not null } => "output port of a mirror that Tapline made",
            { IsHostSide: true } => "what is sent into the switch by this device",
            { Tag: > 0 } => $"access port of VLAN {port.Tag}",
            _ => null,
        };
    }

    // Most hosts have no Open vSwitch and need no word about it; where its devices stand, its silence matters.
    private static string? OvsRemark(IReadOnlyDictionary<int, LinkInfo> links, string? ovsDatabase, string fault) =>
        ovsDatabase is not null || links.Values.Any(l => l.Kind == "openvswitch" || l.Name == "ovs-netdev") ? fault : null;

    private static List<string> HiddenFromUs(
        IReadOnlyDictionary<int, LinkInfo> links, IReadOnlyDictionary<int, VmIdentity> names, string? ovsFault)
    {
        var hidden = new List<string>();
        if (!string.IsNullOrEmpty(ovsFault))
        {
            hidden.Add(ovsFault);
        }

        var unnamed = links.Values.Count(l => LinkClassifier.LeadsToWorkload(l) && !names.ContainsKey(l.Index));
        if (unnamed > 0 && !Base.Native.Privileges.HasPtrace)
        {
            hidden.Add($"The workload behind {unnamed} port(s) belongs to other users and stays unnamed; run as root to see it.");
        }

        if (!Base.Native.Privileges.HasNetAdmin && links.Values.Any(l => l.PeerNamespaceId >= 0))
        {
            hidden.Add("MAC addresses inside other network namespaces are not shown without CAP_NET_ADMIN; the port's own stand instead.");
        }

        return hidden;
    }
}
