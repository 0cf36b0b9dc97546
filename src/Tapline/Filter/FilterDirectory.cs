// What names in expressions stand for: machines with their ports, MAC addresses and tags, and observation points. Made by
// whoever watches them, immutable; a new one is bound to the running filters when something comes or goes
// (CompiledFilter.Bind), without compiling anything anew.
namespace Tapline.Filter;

/// <summary>A machine.</summary>
/// <param name="Name">As its owner calls it; hostile text.</param>
/// <param name="Points">Points by which its own frames enter.</param>
/// <param name="MacAddresses">Of its NICs, as 48-bit numbers.</param>
/// <param name="Tags">Labels that its owner gave it.</param>
public sealed record FilterMachine(
    string Name, IReadOnlyList<ushort> Points, IReadOnlyList<ulong> MacAddresses, IReadOnlyList<string> Tags);

/// <summary>An observation point.</summary>
public sealed record FilterPoint(ushort Id, string Name);

/// <summary>All machines and points at one moment.</summary>
public sealed class FilterDirectory
{
    public FilterDirectory(IReadOnlyList<FilterMachine> machines, IReadOnlyList<FilterPoint> points)
    {
        Machines = machines;
        Points = points;
    }

    /// <summary>Nobody: every name stands for nothing.</summary>
    public static FilterDirectory Empty { get; } = new([], []);

    public IReadOnlyList<FilterMachine> Machines { get; }

    public IReadOnlyList<FilterPoint> Points { get; }
}
