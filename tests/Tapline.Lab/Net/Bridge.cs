// A Linux bridge in a namespace (or the test process's own) with ports whose far ends lie in other namespaces, as a
// hypervisor has them. Multicast snooping and IPv6 are off so that the bridge itself says nothing.
// Owner: the test; Dispose removes the bridge and its ports.
namespace Tapline.Lab.Net;

/// <summary>A virtual switch.</summary>
public sealed class Bridge : IDisposable
{
    private readonly NetNamespace? _space;
    private readonly List<VethPair> _ports = [];

    private Bridge(NetNamespace? space, string name)
    {
        _space = space;
        Name = name;
    }

    public string Name { get; }

    public static Bridge Create(NetNamespace? space, string? name = null)
    {
        var bridge = new Bridge(space, name ?? LabNames.Next("br"));
        bridge.Ip("link", "add", "name", bridge.Name, "type", "bridge", "mcast_snooping", "0", "stp_state", "0");
        VethPair.Quiet(space, bridge.Name);
        bridge.Ip("link", "set", bridge.Name, "up");
        return bridge;
    }

    /// <summary>
    /// A port to <paramref name="vm"/>: the near end is the bridge's port, the far end the VM's interface, with an address
    /// such as 10.9.0.2/24 when given.
    /// </summary>
    public VethPair AddPort(NetNamespace vm, string? address = null, string? port = null, string farName = "eth0")
    {
        var pair = VethPair.Create(_space, vm, port ?? LabNames.Next("p"), farName);
        _ports.Add(pair);
        Ip("link", "set", pair.Near, "master", Name);
        if (address is not null)
        {
            vm.Ip("address", "add", address, "dev", farName);
        }

        return pair;
    }

    public void Dispose()
    {
        foreach (var port in _ports)
        {
            port.Dispose();
        }

        LabCommand.TryRun(["ip", .. Place(), "link", "del", Name]);
    }

    private void Ip(params string[] arguments) => LabCommand.Run(["ip", .. Place(), .. arguments]);

    private string[] Place() => _space is null ? [] : ["-n", _space.Name];
}
