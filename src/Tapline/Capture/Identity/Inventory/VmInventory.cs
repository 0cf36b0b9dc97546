// What an inventory file tells: VMs by the address of a NIC, by IP address, by network, by id, by name. Immutable; any thread.
// Look-ups allocate nothing. A network is asked longest prefix first, one table for each length that the file has.
namespace Tapline.Capture.Identity;

/// <summary>A read inventory.</summary>
public sealed class VmInventory
{
    /// <summary>An inventory of nothing.</summary>
    public static readonly VmInventory Empty = new([]);

    private readonly Dictionary<ulong, Vm> _byMac = [];
    private readonly Dictionary<string, Vm> _byId = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Vm?> _byName = new(StringComparer.Ordinal);
    private readonly (int LengthBits, Dictionary<UInt128, Vm> Vms)[] _byPrefix;

    internal VmInventory(IEnumerable<Vm> vms)
    {
        Vms = [.. vms];
        var prefixes = new SortedDictionary<int, Dictionary<UInt128, Vm>>();
        foreach (var vm in Vms)
        {
            foreach (var mac in vm.Macs)
            {
                _byMac.TryAdd(mac, vm);
            }

            foreach (var prefix in vm.Addresses)
            {
                if (!prefixes.TryGetValue(prefix.LengthBits, out var ofLength))
                {
                    prefixes[prefix.LengthBits] = ofLength = [];
                }

                ofLength.TryAdd(prefix.Address, vm);
            }

            if (vm.Id.Length > 0)
            {
                _byId.TryAdd(vm.Id, vm);
            }

            // A name that two VMs have says nothing.
            _byName[vm.Name] = _byName.ContainsKey(vm.Name) ? null : vm;
        }

        _byPrefix = [.. prefixes.Reverse().Select(p => (p.Key, p.Value))];
    }

    /// <summary>All VMs, in the order of the file.</summary>
    public IReadOnlyList<Vm> Vms { get; }

    /// <summary>The VM with this NIC, or null.</summary>
    public Vm? OfMac(ulong mac) => mac == 0 ? null : _byMac.GetValueOrDefault(mac);

    /// <summary>The VM with this address, else the one with the longest prefix of it, or null.</summary>
    /// <param name="address">As <see cref="IpPrefix.Address"/>.</param>
    public Vm? OfAddress(UInt128 address)
    {
        if (address == 0)
        {
            return null;
        }

        foreach (var (lengthBits, vms) in _byPrefix)
        {
            if (vms.TryGetValue(IpPrefix.Cut(address, lengthBits), out var vm))
            {
                return vm;
            }
        }

        return null;
    }

    /// <summary>The VM of this UUID or other id, or null.</summary>
    public Vm? OfId(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The VM of exactly this name when only one has it, or null.</summary>
    public Vm? OfName(string name) => _byName.GetValueOrDefault(name);
}
