// What Wireshark lists: each switch as a whole and each point of this host, under a name that survives command lines and
// file names, with a line for people. Names of interfaces and machines are hostile text: braces would break Wireshark's
// grammar, so nothing but harmless characters is printed.
using System.Globalization;
using Tapline.Capture;
using Tapline.Capture.Points;

namespace Tapline.Server.Commands.Extcap;

/// <summary>One capture source in Wireshark's list.</summary>
/// <param name="Value">Its name there: <c>tapline-port-vnet3</c>.</param>
/// <param name="Display">Its line for people.</param>
/// <param name="From">The source word that it stands for: <c>vnet3</c>, <c>bridge:br0</c>.</param>
internal sealed record ExtcapInterface(string Value, string Display, string From)
{
    private const string Prefix = "tapline-";

    /// <summary>The sources of this host, switches first.</summary>
    public static IReadOnlyList<ExtcapInterface> Of(IReadOnlyList<FoundPoint> points)
    {
        var found = new List<ExtcapInterface>();
        var switches = points.Select(p => p.Switch).OfType<string>().Distinct(StringComparer.Ordinal);
        foreach (var name in switches.Where(IsPlain))
        {
            var kind = points.Any(p => p.Name == name && p.Device == "bridge") ? "bridge" : "ovs";
            found.Add(new ExtcapInterface(
                $"{Prefix}switch-{name}", $"Tapline: everything that enters the switch {name}", $"{kind}:{name}"));
        }

        foreach (var point in points.Where(p => p.InterfaceIndex > 0))
        {
            var isHost = point.Kind == PointKind.Host;
            var role = isHost ? "host" : "port";
            var value = IsPlain(point.Name)
                ? $"{role}-{point.Name}"
                : string.Create(CultureInfo.InvariantCulture, $"{role}-index-{point.InterfaceIndex}");
            found.Add(new ExtcapInterface(
                Prefix + value, "Tapline: " + Describe(point, isHost), isHost ? $"host:{point.Name}" : point.Name));
        }

        return found;
    }

    /// <summary>The text without characters that mean something to Wireshark's grammar or to a terminal.</summary>
    internal static string Clean(string text) =>
        string.Concat(text.Select(c => c is '{' or '}' || char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    private static string Describe(FoundPoint point, bool isHost)
    {
        var where = point.Switch is { } name && name != point.Name ? $" on {name}" : "";
        var what = point.Vm is { } vm ? $"{vm} ({point.Name}{where})"
            : isHost ? $"this host's own traffic into {point.Name}"
            : $"{point.Name}{where}";
        return Clean(what);
    }

    // Wireshark makes file names and preference names of it.
    private static bool IsPlain(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
