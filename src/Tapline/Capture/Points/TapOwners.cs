// Which process holds a tap device, and which VM that is. QEMU (and every other VMM) has /dev/net/tun open; the
// descriptor's fdinfo tells the interface (`iff:`), the command line tells the VM (-name, -uuid, NICs), and QEMU itself
// the NICs that were plugged in later.
// All of it is hostile text: bounded and cleaned. Control threads; allocates.
using Tapline.Capture.Identity;

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
    public static VmIdentity Parse(string commandLine, string program, int process, string tap, ulong tapMac)
    {
        var line = QemuCommandLine.Parse(commandLine);
        var name = line.Name.Length > 0 ? line.Name : HostileText.Clean(program);
        var mac = line.MacOf(tap);
        return new VmIdentity(
            name, line.Uuid.Length > 0 ? line.Uuid : $"pid:{process}", mac != 0 ? mac : ChooseMac(line, tapMac))
        {
            Source = line.Name.Length > 0 ? "qemu" : "process",
        };
    }

    private static void Note(
        int process, IReadOnlyDictionary<string, ulong> wanted, Dictionary<string, VmIdentity> found)
    {
        foreach (var descriptor in ProcessFiles.Descriptors(process, TunDevice))
        {
            var device = InterfaceOf(ProcessFiles.Read(process, $"fdinfo/{descriptor}"));
            if (wanted.TryGetValue(device, out var mac) && !found.ContainsKey(device))
            {
                found[device] = Identify(process, device, mac);
            }
        }
    }

    private static VmIdentity Identify(int process, string tap, ulong tapMac)
    {
        var commandLine = ProcessFiles.Read(process, "cmdline");
        if (!commandLine.Contains("-name", StringComparison.Ordinal)
            && NamespaceNames.ContainerOf(ProcessFiles.Read(process, "cgroup")) is { } machine)
        {
            return machine;
        }

        var program = ProcessFiles.Read(process, "comm").TrimEnd('\n');
        var vm = Parse(commandLine, program, process, tap, tapMac);
        return (vm.Mac == 0 || vm.Source == "process") && QemuCommandLine.Parse(commandLine).QmpPath is { } path
            ? Complete(vm, QmpClient.Ask(process, path), tap)
            : vm;
    }

    private static VmIdentity Complete(VmIdentity vm, QmpMachine told, string tap)
    {
        var isNamed = vm.Source == "process" && told.Name.Length > 0;
        return vm with
        {
            Name = isNamed ? told.Name : vm.Name,
            Id = vm.Id.StartsWith("pid:", StringComparison.Ordinal) && told.Uuid.Length > 0 ? told.Uuid : vm.Id,
            Mac = vm.Mac != 0 ? vm.Mac : told.MacByTap.GetValueOrDefault(tap),
            Source = isNamed ? "qemu" : vm.Source,
        };
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

    // libvirt gives the tap device the guest's address with fe as first byte; otherwise a single NIC is unambiguous, unless
    // the command line names its tap devices and this is none of them: then it was plugged in later.
    private static ulong ChooseMac(QemuCommandLine line, ulong tapMac)
    {
        const ulong LowFiveBytes = 0xFF_FFFF_FFFF;
        foreach (var mac in line.Macs)
        {
            if ((mac & LowFiveBytes) == (tapMac & LowFiveBytes))
            {
                return mac;
            }
        }

        return !line.NamesTaps && line.Macs.Distinct().Count() == 1 ? line.Macs.First() : 0;
    }
}
