// vxlan://HOST[:PORT]?vni=N and its kin: a tool somewhere in the network. In: what the operator wrote. Out: a plain record or
// one sentence that names the mend. Pure: whether the host can be found and reached is asked when the session starts.
using System.Globalization;
using System.Net;
using System.Text;
using Tapline.Mirror.Encapsulate;

namespace Tapline.Mirror.Targets;

/// <summary>A tool behind a tunnel.</summary>
public sealed record TunnelTarget : MirrorTarget
{
    /// <summary>Smallest packet that every IPv4 host takes (RFC 791 section 3.2).</summary>
    public const int MtuBytesMin = 576;

    /// <summary>Longest packet of IP.</summary>
    public const int MtuBytesMax = 65535;

    private const int HostCharactersMax = 253;

    /// <summary>The tunnel's format.</summary>
    public required TunnelFormat Format { get; init; }

    /// <summary>The tool: an address without brackets, or a name.</summary>
    public required string Host { get; init; }

    /// <summary>Its UDP port; 0 for tunnels without.</summary>
    public int Port { get; init; }

    /// <summary>VNI, GRE key or ERSPAN session id; -1 = none.</summary>
    public long Id { get; init; } = -1;

    /// <summary>ERSPAN type: 1, 2 or 3; 0 for other tunnels.</summary>
    public int ErspanType { get; init; }

    /// <summary>ERSPAN III: the whole time, in a platform subheader.</summary>
    public bool HasSubheader { get; init; }

    /// <summary>Longest IP packet that shall leave; 0 = what the path takes.</summary>
    public int MtuBytes { get; init; }

    /// <summary>What becomes of frames that do not fit.</summary>
    public OversizePolicy Oversize { get; init; } = OversizePolicy.Resegment;

    /// <summary>The tool looks at packets without serving the port: its host's answer "unreachable" means nothing.</summary>
    public bool IgnoresRefusal { get; init; }

    /// <summary>True when the tunnel is carried by UDP.</summary>
    public bool IsUdp => Format is TunnelFormat.Vxlan or TunnelFormat.Geneve or TunnelFormat.Tzsp;

    /// <inheritdoc/>
    protected override string Text
    {
        get
        {
            var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Word}://");
            text.Append(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host);
            _ = Port == 0 ? text : text.Append(CultureInfo.InvariantCulture, $":{Port}");
            var options = new List<string>();
            AddIf(options, Id >= 0, IdKey, Id);
            AddIf(options, ErspanType > 0, "version", ErspanType);
            AddIf(options, HasSubheader, "subheader", "yes");
            AddIf(options, MtuBytes > 0, "mtu", MtuBytes);
            AddIf(options, Oversize != OversizePolicy.Resegment, "oversize", Oversize == OversizePolicy.Slice ? "slice" : "fragment");
            AddIf(options, IgnoresRefusal, "refusal", "ignore");
            return options.Count == 0 ? text.ToString() : text.Append('?').AppendJoin('&', options).ToString();
        }
    }

    private string Word => Format.ToString().ToLowerInvariant();

    private string IdKey => Format switch { TunnelFormat.Gre => "key", TunnelFormat.Erspan => "id", _ => "vni" };

    /// <summary>Null and one sentence when no tool is named.</summary>
    internal static MirrorTarget? Parse(TargetText text, out string? error)
    {
        var format = Enum.Parse<TunnelFormat>(text.Kind, ignoreCase: true);
        var target = new TunnelTarget { Format = format, Host = "", Port = DefaultPort(format) };
        target = target.WithPlace(text, out error);
        return target?.WithOptions(text);
    }

    private static int DefaultPort(TunnelFormat format) => format switch
    {
        TunnelFormat.Vxlan => VxlanHeader.Port,
        TunnelFormat.Geneve => GeneveHeader.Port,
        TunnelFormat.Tzsp => TzspHeader.Port,
        _ => 0,
    };

    private TunnelTarget? WithPlace(TargetText text, out string? error)
    {
        var place = text.Place.TrimEnd('/');
        var isBracketed = place.StartsWith('[');
        var end = isBracketed ? place.IndexOf(']') + 1 : place.IndexOf(':') is >= 0 and var colon ? colon : place.Length;
        var host = isBracketed ? place[1..Math.Max(1, end - 1)] : place[..end];
        var port = place[end..];
        error = null;
        if (isBracketed ? !IsIpv6(host) : !IsIpv4OrName(host) || port.LastIndexOf(':') > 0)
        {
            error = $"\"{place}\" names no host for a {text.Kind} target; write an address or a name, IPv6 in brackets: "
                + $"{text.Kind}://10.0.0.5 or {text.Kind}://[fd00::5].";
        }
        else if (port.Length > 0 && !IsUdp)
        {
            error = $"A {text.Kind} target has no port; leave {port} out.";
        }

        var number = (ushort)Port;
        if (error is null && port.Length > 0 && (port[0] != ':' || number == 0
            || !ushort.TryParse(port.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out number) || number == 0))
        {
            error = $"\"{port}\" is no UDP port; give :1 to :65535.";
        }

        return error is null ? this with { Host = host, Port = number } : null;
    }

    private TunnelTarget WithOptions(TargetText text)
    {
        var target = this;
        switch (Format)
        {
            case TunnelFormat.Vxlan or TunnelFormat.Geneve:
                target = target with { Id = text.Number("vni", 0, 0, VxlanHeader.VniMax) };
                break;
            case TunnelFormat.Gre:
                target = target with { Id = text.Number("key", -1, 0, uint.MaxValue) };
                break;
            case TunnelFormat.Erspan:
                target = WithErspan(text);
                break;
            default:
                break;
        }

        return target with
        {
            MtuBytes = (int)text.Number("mtu", 0, MtuBytesMin, MtuBytesMax),
            Oversize = text.Word("oversize", "resegment", "slice", "fragment") switch
            {
                "slice" => OversizePolicy.Slice,
                "fragment" => OversizePolicy.Fragment,
                _ => OversizePolicy.Resegment,
            },
            IgnoresRefusal = text.Word("refusal", "heed", "ignore") == "ignore",
        };
    }

    private TunnelTarget WithErspan(TargetText text)
    {
        var type = (int)text.Number("version", 2, 1, 3);
        var id = text.Number("id", -1, 0, ErspanHeader.SessionIdMax);
        var hasSubheader = text.Word("subheader", "no", "yes") == "yes";
        if (type == 1 && id >= 0)
        {
            text.Refuse("ERSPAN version 1 carries no session id; leave id out or take version=2.");
        }
        else if (type != 3 && hasSubheader)
        {
            text.Refuse("Only ERSPAN version 3 has a subheader; add version=3 or leave subheader out.");
        }

        return this with { Id = type == 1 ? -1 : Math.Max(id, 0), ErspanType = type, HasSubheader = hasSubheader };
    }

    private static bool IsIpv6(string host) => host.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(host, out _);

    // A name of letters, digits, hyphens and dots (RFC 1123 section 2.1) whose last label is no number, or four numbers.
    private static bool IsIpv4OrName(string host)
    {
        if (host.Length is 0 or > HostCharactersMax)
        {
            return false;
        }

        foreach (var c in host)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.'))
            {
                return false;
            }
        }

        var labels = host.TrimEnd('.').Split('.');
        foreach (var label in labels)
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }
        }

        return !char.IsAsciiDigit(labels[^1][0]) || (IPAddress.TryParse(host, out var address) && address.ToString() == host);
    }

    private static void AddIf<T>(List<string> options, bool isGiven, string key, T value)
    {
        if (isGiven)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"{key}={value}"));
        }
    }
}
