// Which domain stands behind an interface. In: interfaces, what was found on the host, domains. Out: identities, in place. Pure.
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>Names ports by libvirt's word.</summary>
internal static class LibvirtPorts
{
    /// <summary>
    /// Completes the identities by interface index. What libvirt says of a device holds, unless the process that has the device
    /// open says that it is another machine: then libvirt's device of this name is in another network namespace.
    /// </summary>
    public static void Complete(
        Dictionary<int, VmIdentity> identities, IEnumerable<LinkInfo> interfaces, IReadOnlyList<LibvirtDomain> domains)
    {
        var byDevice = new Dictionary<string, (LibvirtDomain Domain, ulong Mac)>();
        foreach (var domain in domains.Where(d => d.IsActive))
        {
            foreach (var nic in domain.Nics.Where(n => n.Device.Length > 0))
            {
                byDevice[nic.Device] = (domain, nic.Mac);
            }
        }

        if (byDevice.Count == 0)
        {
            return;
        }

        foreach (var link in interfaces)
        {
            if (!byDevice.TryGetValue(link.Name, out var port) || link.IsBridge)
            {
                continue;
            }

            var found = identities.GetValueOrDefault(link.Index);
            if (found is not null && Guid.TryParse(found.Id, out var uuid)
                && uuid != (Guid.TryParse(port.Domain.Uuid, out var told) ? told : default))
            {
                continue;
            }

            identities[link.Index] = new VmIdentity(
                port.Domain.Name, port.Domain.Uuid, port.Mac != 0 ? port.Mac : found?.Mac ?? 0)
            {
                Source = "libvirt",
                Aliases = port.Domain.Aliases,
                Tags = port.Domain.Tags,
            };
        }
    }
}
