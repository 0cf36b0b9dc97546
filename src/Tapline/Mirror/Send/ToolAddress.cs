// The address behind a target's host, asked once when a session opens. Control thread; a name may ask the network.
using System.Net;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>Looks tools up.</summary>
internal static class ToolAddress
{
    /// <summary>Null and one sentence when there is no such tool.</summary>
    public static IPAddress? Resolve(TunnelTarget target, out string? error)
    {
        error = null;
        if (!IPAddress.TryParse(target.Host, out var address))
        {
            try
            {
                address = Dns.GetHostAddresses(target.Host).FirstOrDefault();
            }
            catch (System.Net.Sockets.SocketException)
            {
                // No such name, or nobody to ask: the same mend.
            }
        }

        if (address is null)
        {
            error = $"{target.Host} is no name that this host can look up (`getent hosts {target.Host}`); write the tool's address.";
            return null;
        }

        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            error = $"{address} is nobody's address; write the tool's.";
            return null;
        }

        if (address.IsIPv6LinkLocal && address.ScopeId == 0)
        {
            error = $"{address} is an address of one link; say which: [{address}%eth0].";
            return null;
        }

        return address;
    }
}
