// Who is who at one moment: machines behind the observation points, what libvirt tells of them, what the inventory says of all
// others. In: points, domains, inventory. Out: machines by point, by MAC, by IP address, by name, by tag.
// An immutable snapshot, swapped as a whole; any thread. Look-ups by number allocate nothing. The inventory is not copied:
// a change of points costs what the host's own machines cost.
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>The known machines.</summary>
public sealed class VmDirectory
{
    /// <summary>A directory that knows nobody.</summary>
    public static readonly VmDirectory Empty = new([], [], VmInventory.Empty);

    private readonly List<Vm> _here = [];
    private readonly HashSet<Vm> _toldOfHere = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<ulong, Vm> _byMac = [];
    private readonly Vm?[] _byPoint;

    /// <summary>Makes a snapshot.</summary>
    /// <param name="points">All points, gone ones included.</param>
    /// <param name="domains">Machines that run or could run here, whether or not a point is in front of them.</param>
    /// <param name="inventory">What the operator says.</param>
    public VmDirectory(IReadOnlyList<LivePoint> points, IReadOnlyList<Vm> domains, VmInventory inventory)
    {
        Inventory = inventory;
        _byPoint = new Vm?[points.Count == 0 ? 0 : points.Max(p => p.Point.Id) + 1];
        // Gone points last: their machine's address may be another's now.
        var present = points.Where(p => p.Point.Vm is not null).OrderBy(p => p.State == PointState.Gone);
        foreach (var machine in present.GroupBy(p => (p.Point.VmId, p.Point.VmId is null ? p.Point.Vm : null)))
        {
            AddMachine([.. machine], domains);
        }

        foreach (var domain in domains.Where(d => !_here.Exists(h => IsSame(h, d))))
        {
            Add(Completed(domain));
        }
    }

    /// <summary>The inventory in it.</summary>
    public VmInventory Inventory { get; }

    /// <summary>All machines: those of this host, then those that only the inventory knows.</summary>
    public IEnumerable<Vm> Vms => _here.Concat(Inventory.Vms.Where(v => !_toldOfHere.Contains(v)));

    /// <summary>The machine behind an observation point, or null.</summary>
    public Vm? OfPoint(ushort point) => point < _byPoint.Length ? _byPoint[point] : null;

    /// <summary>The machine with this NIC, or null.</summary>
    public Vm? OfMac(ulong mac) => mac == 0 ? null : _byMac.GetValueOrDefault(mac) ?? Inventory.OfMac(mac);

    /// <summary>The machine that the inventory gives this IP address to, or null.</summary>
    /// <param name="address">As <see cref="IpPrefix.Address"/>.</param>
    public Vm? OfAddress(UInt128 address) => Inventory.OfAddress(address);

    /// <summary>
    /// The machine at one end of a flow: the one behind the point, else the one whose NIC it is, else the one that the
    /// address is given to. Allocates nothing.
    /// </summary>
    /// <param name="point">The point that saw this end's frames first, or a number that none has.</param>
    /// <param name="mac">This end's MAC address; 0 = none.</param>
    /// <param name="address">This end's address; 0 = none.</param>
    public Vm? OfEndpoint(ushort point, ulong mac, UInt128 address) => OfPoint(point) ?? OfMac(mac) ?? OfAddress(address);

    /// <summary>The machines that a name, glob or id means: their NICs, addresses and points tell which frames are theirs.</summary>
    public IEnumerable<Vm> Named(string pattern) => Vms.Where(v => v.IsNamed(pattern));

    /// <summary>The machines with a tag that fits the pattern.</summary>
    public IEnumerable<Vm> Tagged(string pattern) => Vms.Where(v => v.Tags.HasLike(pattern));

    private static bool IsSame(Vm one, Vm other) => one.Id.Length > 0 && one.Id == other.Id;

    private void AddMachine(LivePoint[] points, IReadOnlyList<Vm> domains)
    {
        var first = points[0].Point;
        var vm = new Vm(first.Vm!, first.VmId ?? "", "point");
        var domain = domains.FirstOrDefault(d => IsSame(d, vm));
        Add(Completed(vm with
        {
            Aliases = first.VmAliases,
            Tags = first.VmTags,
            Macs = [.. points.Select(p => p.Point.VmMac).Concat(domain?.Macs ?? []).Where(m => m != 0).Distinct()],
            Points = [.. points.Where(p => p.State != PointState.Gone).Select(p => p.Point.Id)],
        }));
        foreach (var point in points)
        {
            _byPoint[point.Point.Id] = _here[^1];
        }
    }

    private void Add(Vm vm)
    {
        _here.Add(vm);
        foreach (var mac in vm.Macs)
        {
            _byMac.TryAdd(mac, vm);
        }
    }

    // Tags and name of a machine behind a point were completed where the point was; addresses and other NICs were not.
    private Vm Completed(Vm vm)
    {
        var told = vm.Macs.Select(Inventory.OfMac).FirstOrDefault(v => v is not null)
            ?? (vm.Id.Length > 0 ? Inventory.OfId(vm.Id) : null) ?? Inventory.OfName(vm.Name);
        if (told is null)
        {
            return vm;
        }

        _toldOfHere.Add(told);
        return vm with
        {
            Name = told.Name,
            Aliases = told.Name == vm.Name ? vm.Aliases : vm.Aliases.With(NameSet.Of([vm.Name])),
            Tags = vm.Tags.With(told.Tags),
            Macs = [.. vm.Macs.Concat(told.Macs).Distinct()],
            Addresses = told.Addresses,
        };
    }
}
