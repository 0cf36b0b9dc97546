// What names in a query's expression stand for: points by their interface descriptions, machines by these and by the
// segments' own lists of machines (MachinesBlock), which also know MAC addresses and tags. The newest word on a machine
// counts. Names are hostile text: they are compared, never interpreted beyond that. One thread.
using Tapline.Filter;

namespace Tapline.Record.Extract;

/// <summary>The directory of a query, as it grows.</summary>
internal sealed class ExtractNames(ExtractPoints points)
{
    private readonly ExtractMachines _machines = new();

    /// <summary>Takes a segment's list; true when it said anything new.</summary>
    public bool Take(ReadOnlySpan<byte> body) => _machines.Take(body);

    /// <summary>The machines met so far.</summary>
    public IReadOnlyList<RecordedMachine> Machines => _machines.All;

    /// <summary>The directory now.</summary>
    public FilterDirectory Make() => _machines.Directory(points.All.Select(p => (p.Id, p.Name, p.Description)));
}
