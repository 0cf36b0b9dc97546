// Everything that tells who a machine is, on hostile text: inventories, libvirt's descriptions, QEMU's command lines and its
// account of its NICs. Oracle: names are bounded and drive no terminal; whoever an inventory lists is found by each address.
using System.Text;
using Tapline.Base;
using Tapline.Capture.Identity;

namespace Tapline.Fuzz;

/// <summary>Fuzzes the readers of identities.</summary>
public sealed class IdentityTarget : IFuzzTarget
{
    public string Name => "identity";

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. ((string[])[
            "name,id,mac,ip,tags\nweb01,7,52:54:00:00:00:01,\"10.0.0.1, 10.1.0.0/16\",\"prod;web\"\ndb,8,,2001:db8::/32,\n",
            "sep=;\r\n#TYPE x\r\nVMName;MacAddress;IPAddresses\r\nw\"\"1;00155D012345;{10.0.0.9, fe80::1}\r\n",
            "<domain id='1'><name>w</name><uuid>u</uuid><title>t</title><metadata><tag>a,b</tag></metadata><devices><interface>"
                + "<mac address='52:54:00:00:00:01'/><target dev='vnet0'/></interface></devices></domain>",
            "qemu\0-name\0guest=a,,b,debug-threads=on\0-uuid\0u\0-netdev\0tap,id=n0,ifname=tap0\0-device\0"
                + "{\"driver\":\"virtio-net-pci\",\"netdev\":\"n0\",\"mac\":\"52:54:00:00:00:01\"}\0",
            "d0: index=0,type=nic,macaddr=52:54:00:00:00:01\r\n \\ n0: index=0,type=tap,ifname=tap0\r\n",
        ]).Select(Encoding.UTF8.GetBytes),
        [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("vm\tip\nw\u00e4b\t10.0.0.1\n")],
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        var text = Encoding.UTF8.GetString(input);
        if (LibvirtXml.Parse(text) is { } domain)
        {
            CheckText([domain.Name, domain.Uuid, .. domain.Aliases, .. domain.Tags]);
            Must(domain.Nics.Count <= Limits.VmNicsMax, "a domain's NICs are bounded");
        }

        var line = QemuCommandLine.Parse(text);
        CheckText([line.Name, line.Uuid]);
        Must(QmpClient.Parse(text).Values.All(mac => mac >> 48 == 0), "a MAC address has 48 bits");
        var inventory = InventoryCsv.Read(input, out var mistakes);
        Must(inventory is null == mistakes.Count > 0, "an inventory is read or has mistakes");
        Must(mistakes.All(m => m.Line >= 1 && !m.Sentence.Any(char.IsControl)), "a mistake is one clean sentence with a line");
        foreach (var vm in inventory?.Vms ?? [])
        {
            CheckText([vm.Name, vm.Id, .. vm.Tags]);
            Must(vm.Macs.All(m => ReferenceEquals(inventory!.OfMac(m), vm)), "a VM is found by each of its MAC addresses");
            Must(
                // The address of all zeros means none, though a network may begin with it.
                vm.Addresses.All(a => a.Address == 0 || (inventory!.OfAddress(a.Address) is { } found
                    && (ReferenceEquals(found, vm) || found.Addresses.Any(f => f.LengthBits > a.LengthBits)))),
                "a VM is found by each of its prefixes, unless another has a longer one");
            Must(
                vm.Addresses.All(a => IpPrefix.TryParse(a.ToString(), out var again) && again == a),
                "a prefix that is written is read back");
        }
    }

    public void Dispose()
    {
    }

    private static void CheckText(IEnumerable<string> texts) => Must(
        texts.All(t => t.Length <= Limits.HostileNameCharactersMax && !t.Any(char.IsControl)), "names are bounded and clean");

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
