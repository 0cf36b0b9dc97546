// A veth pair between two places; a place is a namespace or null for the namespace of the test process.
// Owner: the test; Dispose removes both ends at once. A veth holds back no frame and has no wire: what one end sends, the
// other receives on the same CPU.
namespace Tapline.Lab.Net;

/// <summary>Two virtual Ethernet ends joined back to back, both up.</summary>
public sealed class VethPair : IDisposable
{
    private readonly NetNamespace? _nearSpace;

    private VethPair(NetNamespace? nearSpace, string near, string far)
    {
        _nearSpace = nearSpace;
        Near = near;
        Far = far;
    }

    /// <summary>Name of the first end.</summary>
    public string Near { get; }

    /// <summary>Name of the second end.</summary>
    public string Far { get; }

    /// <summary>Makes the pair; <paramref name="queues"/> above 1 gives that many receive and transmit queues.</summary>
    public static VethPair Create(
        NetNamespace? nearSpace, NetNamespace? farSpace, string? near = null, string? far = null, int queues = 1)
    {
        var pair = new VethPair(nearSpace, near ?? LabNames.Next("a"), far ?? LabNames.Next("b"));
        var count = queues.ToString(System.Globalization.CultureInfo.InvariantCulture);
        // Both ends are born in the near place; the far one moves, so that no name clashes with the test's own namespace.
        List<string> add =
        [
            "link", "add", "name", pair.Near, "numtxqueues", count, "numrxqueues", count, "type", "veth",
            "peer", "name", pair.Far, "numtxqueues", count, "numrxqueues", count,
        ];
        if (farSpace is not null)
        {
            add.AddRange(["netns", farSpace.Name]);
        }

        Ip(nearSpace, [.. add]);
        // No router solicitations or duplicate-address probes: a quiet pair carries only what the test sends.
        Quiet(nearSpace, pair.Near);
        Quiet(farSpace, pair.Far);
        Ip(nearSpace, "link", "set", pair.Near, "up");
        Ip(farSpace, "link", "set", pair.Far, "up");
        return pair;
    }

    public void Dispose() => LabCommand.TryRun(["ip", .. Place(_nearSpace), "link", "del", Near]);

    /// <summary>Switches IPv6 off on an interface, which otherwise speaks up by itself.</summary>
    internal static void Quiet(NetNamespace? space, string device)
    {
        // No `sysctl`: a small Debian has none. The file is missing where the kernel has no IPv6.
        string[] command = ["sh", "-c", $"echo 1 > /proc/sys/net/ipv6/conf/{device}/disable_ipv6"];
        _ = space is null ? LabCommand.TryRun(command) : space.TryRun(command);
    }

    private static void Ip(NetNamespace? space, params string[] arguments) => LabCommand.Run(["ip", .. Place(space), .. arguments]);

    private static string[] Place(NetNamespace? space) => space is null ? [] : ["-n", space.Name];
}
