// What names in a query's expression stand for: points by their interface descriptions, machines by these and by the
// segments' own lists of machines (MachinesBlock), which also know MAC addresses and tags. The newest word on a machine
// counts. Names are hostile text: they are compared, never interpreted beyond that. One thread.
using Tapline.Filter;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>The directory of a query, as it grows.</summary>
internal sealed class ExtractNames(ExtractPoints points)
{
    private readonly Dictionary<string, RecordedMachine> _machines = [];

    /// <summary>Takes a segment's list; true when it said anything new.</summary>
    public bool Take(ReadOnlySpan<byte> body)
    {
        var isNew = false;
        foreach (var machine in MachinesBlock.Read(body))
        {
            var key = Label(machine.Name, machine.Id);
            if (_machines.Count < MachinesBlock.MachinesMax || _machines.ContainsKey(key))
            {
                isNew |= !_machines.TryGetValue(key, out var before) || !before.Says(machine);
                _machines[key] = machine;
            }
        }

        return isNew;
    }

    /// <summary>The directory now.</summary>
    public FilterDirectory Make()
    {
        var ports = new Dictionary<string, List<ushort>>();
        foreach (var point in points.All)
        {
            if (PointInfo.MachineOf(point.Description) is { } label)
            {
                (ports.TryGetValue(label, out var list) ? list : ports[label] = []).Add(point.Id);
            }
        }

        var machines = new List<FilterMachine>();
        foreach (var (label, machine) in _machines)
        {
            var own = ports.Remove(label, out var list) ? list : [];
            foreach (var name in new[] { machine.Name, machine.Id }.Concat(machine.Aliases).Where(n => n.Length > 0).Distinct())
            {
                machines.Add(new FilterMachine(name, own, machine.Macs, machine.Tags));
            }
        }

        foreach (var (label, own) in ports)
        {
            // Not in any list: the description is all there is, "NAME (ID)" or NAME.
            var bracket = label.EndsWith(')') ? label.LastIndexOf(" (", StringComparison.Ordinal) : -1;
            machines.Add(new FilterMachine(bracket > 0 ? label[..bracket] : label, own, [], []));
        }

        return new FilterDirectory(machines, [.. points.All.Select(p => new FilterPoint(p.Id, p.Name))]);
    }

    private static string Label(string name, string id) => PointInfo.Label(name, id.Length == 0 ? null : id);
}
