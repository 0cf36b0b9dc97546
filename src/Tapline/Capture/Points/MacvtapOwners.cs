// Which process holds a macvtap device: its character device is /dev/tapINDEX (drivers/net/macvtap.c), open in the machine
// monitor. In: indices and addresses. Out: identities. All of it is hostile text: bounded and cleaned. Control threads.
using System.Globalization;

namespace Tapline.Capture.Points;

/// <summary>Finds the owners of macvtap devices.</summary>
internal static class MacvtapOwners
{
    /// <summary>Owners by interface index; devices that nobody holds are absent.</summary>
    public static Dictionary<int, VmIdentity> Find(IReadOnlyCollection<LinkInfo> devices)
    {
        var found = new Dictionary<int, VmIdentity>();
        var nodes = devices.ToDictionary(d => string.Create(CultureInfo.InvariantCulture, $"/dev/tap{d.Index}"));
        foreach (var process in ProcessFiles.All())
        {
            foreach (var (_, target) in ProcessFiles.OpenFiles(process))
            {
                if (nodes.TryGetValue(target, out var device) && !found.ContainsKey(device.Index))
                {
                    var program = ProcessFiles.Read(process, "comm").TrimEnd('\n');
                    found[device.Index] = TapOwners.Parse(
                        ProcessFiles.Read(process, "cmdline"), program, process, device.Name, device.Mac);
                }
            }

            if (found.Count == nodes.Count)
            {
                break;
            }
        }

        return found;
    }
}
