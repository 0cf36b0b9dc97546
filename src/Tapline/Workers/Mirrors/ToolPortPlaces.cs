// What the kernel tells of the interfaces that are to be tool ports, for the check against loops.
using Tapline.Capture.Points;
using Tapline.Mirror;

namespace Tapline.Workers;

/// <summary>Looks up tool ports; asks the kernel once.</summary>
internal static class ToolPortPlaces
{
    /// <summary>A look-up over the interfaces as they are now. Unknown names and a silent kernel give "nothing known".</summary>
    public static Func<string, ToolPortPlace> Read()
    {
        using var inventory = LinkInventory.Open(out _);
        var links = inventory?.ReadAll() ?? [];
        return name => Of(links, name);
    }

    private static ToolPortPlace Of(Dictionary<int, LinkInfo> links, string name)
    {
        foreach (var link in links.Values)
        {
            if (link.Name == name)
            {
                var isVeth = link.Kind == "veth" && link.PeerNamespaceId < 0;
                var peer = isVeth ? links.GetValueOrDefault(link.Link) : null;
                var bridge = peer is null || peer.Master == 0 ? null : links.GetValueOrDefault(peer.Master);
                return new ToolPortPlace(link.IsBridge, peer?.Name, bridge?.Name);
            }
        }

        return default;
    }
}
