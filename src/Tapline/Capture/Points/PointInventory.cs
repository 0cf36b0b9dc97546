// What could be observed on this host, for people: switches, their ports, other interfaces, and which of them the given
// patterns would capture. Asks the kernel and /proc once; changes nothing; needs no privilege (but sees less without).
namespace Tapline.Capture.Points;

/// <summary>The host's possible observation points at one moment.</summary>
public sealed class PointInventory
{
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
    public static PointInventory? Read(IReadOnlyList<string> patterns, out string error)
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

            if (selector.FindUnknown(links) is { } unknown)
            {
                error = unknown;
                return null;
            }

            var names = workloads.Find(links.Values);
            var selected = selector.Select(links, names, new HashSet<int>())
                .Select(s => (s.Link.Index, s.IsHost)).ToHashSet();
            var points = links.Values
                .Where(l => !l.IsLoopback)
                .Select(l => Describe(l, names.GetValueOrDefault(l.Index), links, selected.Contains((l.Index, l.IsBridge))))
                .OrderBy(p => p.Switch is null)
                .ThenBy(p => p.Switch, StringComparer.Ordinal)
                .ThenBy(p => p.Kind == PointKind.Host ? 0 : p.Kind == PointKind.Uplink ? 1 : 2)
                .ThenBy(p => p.Name, StringComparer.Ordinal);
            return new PointInventory([.. points], HiddenFromUs(links, names));
        }
    }

    private static FoundPoint Describe(
        LinkInfo link, VmIdentity? vm, IReadOnlyDictionary<int, LinkInfo> links, bool isCaptured)
    {
        var point = PointSelector.Describe(link, vm, links);
        return new FoundPoint
        {
            Name = link.Name,
            InterfaceIndex = link.Index,
            Kind = link.IsBridge ? PointKind.Host : point.Kind,
            Device = DeviceOf(link),
            Switch = link.IsBridge ? link.Name : point.Switch,
            Vm = vm?.Name,
            VmId = vm?.Id,
            VmSource = vm?.Source,
            Mac = vm is { Mac: > 0 } ? vm.Mac : link.Mac,
            State = link.IsUp ? PointState.Up : PointState.Down,
            MtuBytes = link.MtuBytes,
            IsCaptured = isCaptured,
            Remark = RemarkOf(link, links),
        };
    }

    private static string DeviceOf(LinkInfo link) => link switch
    {
        { Kind: "tun", IsTapDevice: true } => "tap",
        { Kind: "" } => link.IsLoopback ? "loopback" : "physical",
        _ => link.Kind,
    };

    private static string? RemarkOf(LinkInfo link, IReadOnlyDictionary<int, LinkInfo> links)
    {
        if (LinkClassifier.IsPatch(link, links))
        {
            return "patch to another switch: its frames have entered there";
        }

        return link.Kind is "macvtap" or "macvlan" ? "only frames towards the workload are seen here" : null;
    }

    private static List<string> HiddenFromUs(
        IReadOnlyDictionary<int, LinkInfo> links, IReadOnlyDictionary<int, VmIdentity> names)
    {
        var hidden = new List<string>();
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
