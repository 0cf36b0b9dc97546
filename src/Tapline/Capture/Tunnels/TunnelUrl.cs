// `vxlan://[ADDRESS][:PORT][?vni=N][&from=ADDRESS]` and its kin → what a listener listens for. In: what the operator wrote.
// Out: a plain record, or one sentence naming the mend. Pure.
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tapline.Capture.Tunnels;

/// <summary>A tunnel listener as ordered. Immutable.</summary>
internal sealed record TunnelUrl
{
    private static readonly (string Scheme, TunnelProtocol Protocol, int Port, string IdName, long IdMax)[] s_forms =
    [
        ("vxlan", TunnelProtocol.Vxlan, 4789, "vni", 0xFF_FFFF),
        ("geneve", TunnelProtocol.Geneve, 6081, "vni", 0xFF_FFFF),
        ("gre", TunnelProtocol.Gre, 0, "key", uint.MaxValue),
        ("erspan", TunnelProtocol.Erspan, 0, "id", 0x3FF),
    ];

    /// <summary>As it was written: the point's name.</summary>
    public required string Text { get; init; }

    public required TunnelProtocol Protocol { get; init; }

    /// <summary>The local address that receives; null = every one, IPv4 and IPv6.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>UDP port; 0 for tunnels without.</summary>
    public int Port { get; init; }

    /// <summary>VNI, GRE key or ERSPAN session id that alone is wanted; -1 = all.</summary>
    public long Id { get; init; } = -1;

    /// <summary>The sender that alone is wanted; null = everyone.</summary>
    public IPAddress? From { get; init; }

    public bool IsUdp => Port != 0;

    /// <summary>True when the pattern is meant for a listener: it begins with a tunnel's scheme.</summary>
    public static bool IsTunnel(string pattern) =>
        Array.Exists(s_forms, f => pattern.StartsWith(f.Scheme + ":", StringComparison.Ordinal));

    /// <summary>Parses; null and one sentence when it cannot be meant.</summary>
    public static TunnelUrl? Parse(string text, out string error)
    {
        var form = Array.Find(s_forms, f => text.StartsWith(f.Scheme + "://", StringComparison.Ordinal));
        if (form.Scheme is null)
        {
            error = $"`{text}` is no tunnel listener; write for example vxlan://:4789, geneve://, gre:// or erspan://?id=7.";
            return null;
        }

        var rest = text[(form.Scheme.Length + 3)..];
        var question = rest.IndexOf('?');
        var url = new TunnelUrl { Text = text, Protocol = form.Protocol, Port = form.Port };
        url = WithPlace(url, (question < 0 ? rest : rest[..question]).TrimEnd('/'), out error);
        foreach (var option in question < 0 ? [] : rest[(question + 1)..].Split('&'))
        {
            url = url is null ? null : WithOption(url, option, form.IdName, form.IdMax, out error);
        }

        if (url is { Address: { } local, From: { } from } && local.AddressFamily != from.AddressFamily)
        {
            error = $"`{text}` mixes IPv4 and IPv6; give both addresses of one kind.";
            return null;
        }

        return url;
    }

    private static TunnelUrl? WithPlace(TunnelUrl url, string place, out string error)
    {
        error = "";
        var end = place.StartsWith('[') ? place.IndexOf(']') + 1 : place.IndexOf(':') is >= 0 and var at ? at : place.Length;
        var (host, port) = (place[..end], place[end..]);
        if (host.Length > 0)
        {
            if (!IPAddress.TryParse(host.Trim('[', ']'), out var address))
            {
                error = $"`{url.Text}`: {host} is no address of this host; listeners take numeric addresses, IPv6 in brackets.";
                return null;
            }

            url = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? url : url with { Address = address };
        }

        if (port.Length == 0)
        {
            return url;
        }

        if (!url.IsUdp)
        {
            error = $"`{url.Text}`: this tunnel has no ports; leave {port} out.";
            return null;
        }

        if (!ushort.TryParse(port.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
        {
            error = $"`{url.Text}`: {port[1..]} is no UDP port; give 1 to 65535.";
            return null;
        }

        return url with { Port = number };
    }

    private static TunnelUrl? WithOption(TunnelUrl url, string option, string idName, long idMax, out string error)
    {
        error = "";
        var equals = option.IndexOf('=');
        var (name, value) = equals < 0 ? (option, "") : (option[..equals], option[(equals + 1)..]);
        if (name == idName)
        {
            if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id <= idMax)
            {
                return url with { Id = id };
            }

            error = $"`{url.Text}`: {idName} is a number from 0 to {idMax}.";
        }
        else if (name == "from")
        {
            if (IPAddress.TryParse(value, out var from) && from.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            {
                return url with { From = from };
            }

            error = $"`{url.Text}`: from takes the sender's numeric address.";
        }
        else
        {
            error = $"`{url.Text}`: a listener knows the options {idName} and from, not {name}.";
        }

        return null;
    }
}
