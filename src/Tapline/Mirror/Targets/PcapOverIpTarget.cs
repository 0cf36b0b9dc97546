// pcap-over-ip://[ADDRESS]:PORT: a TCP listener that gives each client a pcapng stream (`wireshark -k -i TCP@HOST:PORT`).
// Nothing is encrypted and nobody is asked who he is, so the address is loopback unless another one is written out.
using System.Globalization;
using System.Net;

namespace Tapline.Mirror.Targets;

/// <summary>A listener.</summary>
/// <param name="Address">The address of this host on which it listens.</param>
/// <param name="Port">TCP port.</param>
public sealed record PcapOverIpTarget(IPAddress Address, int Port) : StreamTarget
{
    private const string Prefix = "pcap-over-ip://";

    /// <summary>True when others than this host can reach it.</summary>
    public bool IsReachable => !IPAddress.IsLoopback(Address);

    /// <inheritdoc/>
    protected override string Text => WithOptions(Prefix + new IPEndPoint(Address, Port));

    /// <summary>Null and one sentence when the text is no address and port.</summary>
    internal static MirrorTarget? Parse(TargetText text, out string? error)
    {
        var place = text.Place;
        var colon = place.LastIndexOf(':');
        var address = IPAddress.Loopback;
        var isPort = int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= IPEndPoint.MaxPort;
        if (colon < 0 || !isPort || (colon > 0 && !TryAddress(place[..colon], out address)))
        {
            error = $"\"{place}\" is no address and port; write {Prefix}:57012, or {Prefix}ADDRESS:57012 with an address of this host.";
            return null;
        }

        error = null;
        return new PcapOverIpTarget(address, port) { AsCaptured = ReadAsCaptured(text) };
    }

    // IPv6 stands in brackets, as in every URL; IPv4 in the four-part form only, for "1" is a valid IPv4 address too.
    private static bool TryAddress(string text, out IPAddress address)
    {
        var isBracketed = text.Length > 2 && text[0] == '[' && text[^1] == ']';
        var isParsed = IPAddress.TryParse(isBracketed ? text[1..^1] : text, out var found);
        address = found ?? IPAddress.Loopback;
        return isParsed && (isBracketed ? text.Contains(':') : text.AsSpan().Count('.') == 3);
    }
}
