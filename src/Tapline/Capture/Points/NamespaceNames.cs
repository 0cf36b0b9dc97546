// Who lives in a network namespace: its name in /run/netns, else the container or process found in it. In: namespace
// ids as netlink numbers them. Out: identity. Control threads; the caller holds the inventory's lock.
// A namespace that only a process keeps is found through /proc/*/ns/net, which needs CAP_SYS_PTRACE for others' processes.
namespace Tapline.Capture.Points;

/// <summary>Names network namespaces.</summary>
internal static class NamespaceNames
{
    private const string NamedFolder = "/run/netns";

    /// <summary>Finds the owners of the wanted namespace ids; ids that nobody owns are absent from the answer.</summary>
    public static Dictionary<int, VmIdentity> Find(LinkInventory inventory, IReadOnlySet<int> wanted)
    {
        var found = new Dictionary<int, VmIdentity>();
        foreach (var path in NamedNamespaces())
        {
            var name = HostileText.Clean(Path.GetFileName(path));
            Note(inventory, path, () => new VmIdentity(name, $"netns:{name}", 0) { Source = "netns" }, wanted, found);
        }

        if (found.Count < wanted.Count)
        {
            FindByProcess(inventory, wanted, found);
        }

        return found;
    }

    /// <summary>The identity that a process gives its namespace: container or machine name, else the program's name.</summary>
    public static VmIdentity OfProcess(int process)
    {
        var program = HostileText.Clean(ProcessFiles.Read(process, "comm"));
        return ContainerOf(ProcessFiles.Read(process, "cgroup"))
            ?? new VmIdentity(program.Length > 0 ? program : $"process {process}", $"pid:{process}", 0);
    }

    /// <summary>
    /// The container or machine in a cgroup path: docker, podman, containerd, CRI-O (64 hexadecimal digits), LXC and
    /// systemd-nspawn (a name); null when the path tells of none.
    /// </summary>
    public static VmIdentity? ContainerOf(string cgroup)
    {
        foreach (var part in cgroup.Split('/', '\n'))
        {
            var name = part.EndsWith(".scope", StringComparison.Ordinal) ? part[..^6] : part;
            foreach (var prefix in (string[])["lxc.payload.", "machine-lxc\\x2d", "machine-"])
            {
                if (name.StartsWith(prefix, StringComparison.Ordinal) && name.Length > prefix.Length)
                {
                    var machine = HostileText.Clean(name.AsSpan(prefix.Length));
                    return new VmIdentity(machine, $"machine:{machine}", 0) { Source = "container" };
                }
            }

            var id = name[(name.LastIndexOf('-') + 1)..];
            if (id.Length == 64 && id.All(char.IsAsciiHexDigitLower))
            {
                return new VmIdentity(id[..12], $"container:{id}", 0) { Source = "container" };
            }
        }

        return null;
    }

    private static string[] NamedNamespaces()
    {
        try
        {
            return Directory.Exists(NamedFolder) ? Directory.GetFiles(NamedFolder) : [];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static void FindByProcess(
        LinkInventory inventory, IReadOnlySet<int> wanted, Dictionary<int, VmIdentity> found)
    {
        var own = ProcessFiles.ReadLink("/proc/self/ns/net");
        var seen = new HashSet<string> { own, "" };
        foreach (var process in ProcessFiles.All())
        {
            var path = $"/proc/{process}/ns/net";
            if (seen.Add(ProcessFiles.ReadLink(path)))
            {
                Note(inventory, path, () => OfProcess(process), wanted, found);
                if (found.Count == wanted.Count)
                {
                    return;
                }
            }
        }
    }

    private static void Note(
        LinkInventory inventory, string path, Func<VmIdentity> identity, IReadOnlySet<int> wanted,
        Dictionary<int, VmIdentity> found)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            var id = inventory.NamespaceId((int)handle.DangerousGetHandle());
            if (wanted.Contains(id))
            {
                found.TryAdd(id, identity());
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // Gone, or not ours to see.
        }
    }
}
