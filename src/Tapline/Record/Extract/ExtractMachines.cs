// The machines that segments name: the newest word on each counts. Names are hostile text. One thread.
using Tapline.Filter;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Collects machines.</summary>
internal sealed class ExtractMachines
{
    private readonly Dictionary<string, RecordedMachine> _machines = [];

    public IReadOnlyList<RecordedMachine> All => [.. _machines.Values];

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

    /// <summary>What names in expressions stand for, with these points: machines by the lists and by the points' descriptions.</summary>
    public FilterDirectory Directory(IEnumerable<(ushort Id, string Name, string Description)> points)
    {
        var all = points.ToList();
        var ports = new Dictionary<string, List<ushort>>();
        foreach (var (id, _, description) in all)
        {
            if (PointInfo.MachineOf(description) is { } label)
            {
                (ports.TryGetValue(label, out var list) ? list : ports[label] = []).Add(id);
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

        return new FilterDirectory(machines, [.. all.Select(p => new FilterPoint(p.Id, p.Name))]);
    }

    private static string Label(string name, string id) => PointInfo.Label(name, id.Length == 0 ? null : id);
}
