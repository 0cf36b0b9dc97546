// Which process holds a tap device, and which VM that is. QEMU (and every other VMM) has /dev/net/tun open; the
// descriptor's fdinfo tells the interface (`iff:`), the command line tells the VM (-name, -uuid, mac=).
// All of it is hostile text: bounded and cleaned. Control threads; allocates.
namespace Tapline.Capture.Points;

/// <summary>Finds the owners of tap devices.</summary>
internal static class TapOwners
{
    private const string TunDevice = "/dev/net/tun";
    private static readonly string[] s_machineMonitors = ["qemu", "kvm", "cloud-hyperviso", "firecracker", "crosvm"];

    /// <summary>Finds the owners of the wanted tap devices, by interface name. Names that nobody holds are absent.</summary>
    public static Dictionary<string, VmIdentity> Find(IReadOnlyDictionary<string, ulong> wantedTapMacs)
    {
        var found = new Dictionary<string, VmIdentity>();
        var others = new List<int>();
        foreach (var process in ProcessFiles.All())
        {
            var program = ProcessFiles.Read(process, "comm").TrimEnd('\n');
            if (s_machineMonitors.Any(m => program.StartsWith(m, StringComparison.Ordinal)))
            {
                Note(process, wantedTapMacs, found);
            }
            else
            {
                others.Add(process);
            }
        }

        // Programs we do not know by name are asked only while a tap device has no owner.
        foreach (var process in others)
        {
            if (found.Count == wantedTapMacs.Count)
            {
                break;
            }

            Note(process, wantedTapMacs, found);
        }

        return found;
    }

    /// <summary>Name, UUID and MAC from a VMM's command line (arguments separated by zeros).</summary>
    public static VmIdentity Parse(string commandLine, string program, int process, ulong tapMac)
    {
        var arguments = commandLine.Split('\0');
        string name = "", uuid = "";
        var macs = new List<ulong>();
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "-name" or "--name":
                    name = GuestName(value);
                    break;
                case "-uuid" or "--uuid":
                    uuid = HostileText.Clean(value);
                    break;
            }

            CollectMacs(arguments[i], macs);
        }

        name = name.Length > 0 ? name : HostileText.Clean(program);
        return new VmIdentity(name, uuid.Length > 0 ? uuid : $"pid:{process}", ChooseMac(macs, tapMac));
    }

    private static void Note(
        int process, IReadOnlyDictionary<string, ulong> wanted, Dictionary<string, VmIdentity> found)
    {
        foreach (var descriptor in ProcessFiles.Descriptors(process, TunDevice))
        {
            var device = InterfaceOf(ProcessFiles.Read(process, $"fdinfo/{descriptor}"));
            if (wanted.TryGetValue(device, out var mac) && !found.ContainsKey(device))
            {
                var program = ProcessFiles.Read(process, "comm").TrimEnd('\n');
                found[device] = NamespaceNames.ContainerOf(ProcessFiles.Read(process, "cgroup")) is { } machine
                    && !ProcessFiles.Read(process, "cmdline").Contains("-name", StringComparison.Ordinal)
                    ? machine
                    : Parse(ProcessFiles.Read(process, "cmdline"), program, process, mac);
            }
        }
    }

    // tun_chr_show_fdinfo of drivers/net/tun.c prints "iff:\tNAME".
    private static string InterfaceOf(string fdinfo)
    {
        foreach (var line in fdinfo.Split('\n'))
        {
            if (line.StartsWith("iff:", StringComparison.Ordinal))
            {
                return line[4..].Trim();
            }
        }

        return "";
    }

    // QEMU: "-name web01" or "-name guest=web01,debug-threads=on"; a comma in a value is doubled.
    private static string GuestName(string value)
    {
        const string Placeholder = "\u0001";
        var fields = value.Replace(",,", Placeholder, StringComparison.Ordinal).Split(',');
        var guest = Array.Find(fields, f => f.StartsWith("guest=", StringComparison.Ordinal));
        var name = guest is not null ? guest[6..] : fields[0].Contains('=') ? "" : fields[0];
        return HostileText.Clean(name.Replace(Placeholder, ",", StringComparison.Ordinal));
    }

    // "mac=52:54:00:…" of -device/-nic, or "\"mac\":\"52:54:00:…\"" of JSON arguments.
    private static void CollectMacs(string argument, List<ulong> macs)
    {
        foreach (var key in (string[])["mac=", "macaddr=", "\"mac\":\""])
        {
            var at = 0;
            while (macs.Count < 64 && (at = argument.IndexOf(key, at, StringComparison.Ordinal)) >= 0)
            {
                at += key.Length;
                if (argument.Length >= at + 17 && TryMac(argument.AsSpan(at, 17), out var mac))
                {
                    macs.Add(mac);
                }
            }
        }
    }

    // libvirt gives the tap device the guest's address with fe as first byte; otherwise a single NIC is unambiguous.
    private static ulong ChooseMac(List<ulong> macs, ulong tapMac)
    {
        const ulong LowFiveBytes = 0xFF_FFFF_FFFF;
        foreach (var mac in macs)
        {
            if ((mac & LowFiveBytes) == (tapMac & LowFiveBytes))
            {
                return mac;
            }
        }

        return macs.Distinct().Count() == 1 ? macs[0] : 0;
    }

    private static bool TryMac(ReadOnlySpan<char> text, out ulong mac)
    {
        mac = 0;
        for (var i = 0; i < 6; i++)
        {
            if ((i > 0 && text[(i * 3) - 1] != ':')
                || !byte.TryParse(text.Slice(i * 3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var part))
            {
                return false;
            }

            mac = (mac << 8) | part;
        }

        return true;
    }
}
