// Who stands behind which interface, found out on the side: looking through /proc may take long on a large host, and a
// port is captured from its first moment whether it has a name yet or not. One thread at a time.
using Tapline.Capture.Identity;

namespace Tapline.Capture.Points;

/// <summary>Names the workloads behind switch ports.</summary>
internal sealed class WorkloadInventory : IDisposable
{
    private readonly LinkInventory _links;

    private WorkloadInventory(LinkInventory links) => _links = links;

    public static WorkloadInventory? Open(out string error)
    {
        var links = LinkInventory.Open(out error);
        return links is null ? null : new WorkloadInventory(links);
    }

    /// <summary>Identities by interface index; interfaces whose workload cannot be found are absent.</summary>
    public Dictionary<int, VmIdentity> Find(
        IReadOnlyCollection<LinkInfo> interfaces, IReadOnlyList<LibvirtDomain> domains)
    {
        var candidates = interfaces.Where(LinkClassifier.LeadsToWorkload).ToList();
        var result = new Dictionary<int, VmIdentity>();
        var spaces = candidates.Where(l => l.PeerNamespaceId >= 0).Select(l => l.PeerNamespaceId).ToHashSet();
        if (spaces.Count > 0)
        {
            var owners = NamespaceNames.Find(_links, spaces);
            foreach (var link in candidates)
            {
                if (owners.TryGetValue(link.PeerNamespaceId, out var owner))
                {
                    var peer = _links.ReadInNamespace(link.PeerNamespaceId, link.Link);
                    result[link.Index] = owner with { Mac = peer?.Mac ?? 0 };
                }
            }
        }

        var taps = candidates.Where(l => l.Kind is "tun").ToDictionary(l => l.Name, l => l.Mac);
        if (taps.Count > 0)
        {
            var owners = TapOwners.Find(taps);
            foreach (var link in candidates)
            {
                if (link.Kind is "tun" && owners.TryGetValue(link.Name, out var owner))
                {
                    result[link.Index] = owner;
                }
            }
        }

        var macvtaps = candidates.FindAll(l => l.Kind is "macvtap");
        foreach (var (index, owner) in macvtaps.Count > 0 ? MacvtapOwners.Find(macvtaps) : [])
        {
            result[index] = owner;
        }

        LibvirtPorts.Complete(result, interfaces, domains);
        return result;
    }

    public void Dispose() => _links.Dispose();
}
