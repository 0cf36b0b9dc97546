// Gives points their identifiers and remembers them. An identifier is never given to another point while the engine
// runs; the same interface (name, and whether it means the host's side) gets its old one back when it returns.
// Control threads only, under the owner's lock.
using Tapline.Base;
using Tapline.Capture.Identity;

namespace Tapline.Capture.Points;

/// <summary>The points known so far.</summary>
internal sealed class PointRegistry
{
    private readonly Dictionary<(string Name, bool IsHost), LivePoint> _known = [];
    private ushort _lastId;

    /// <summary>All points in the order of their identifiers. A new list after each change.</summary>
    public IReadOnlyList<LivePoint> Points { get; private set; } = [];

    /// <summary>Rises with each change.</summary>
    public int Generation { get; private set; }

    /// <summary>Points that got no identifier because all were given out.</summary>
    public int Refused { get; private set; }

    /// <summary>
    /// Takes over the selection of this moment. Returns id and selection of all that are present now.
    /// </summary>
    public List<(ushort Id, SelectedPoint Selected)> Update(IReadOnlyList<SelectedPoint> selected)
    {
        var present = new List<(ushort, SelectedPoint)>();
        var seen = new HashSet<(string, bool)>();
        var changed = false;
        foreach (var wanted in selected)
        {
            var key = (wanted.Link.Name, wanted.IsHost);
            if (!_known.TryGetValue(key, out var known) && _lastId + 1 >= Limits.PointsMax)
            {
                Refused++;
                continue;
            }

            var id = known?.Point.Id ?? ++_lastId;
            var now = new LivePoint(Describe(id, wanted), wanted.Link.IsUp ? PointState.Up : PointState.Down);
            changed |= now != known;
            _known[key] = now;
            seen.Add(key);
            present.Add((id, wanted));
        }

        foreach (var (key, known) in _known.ToArray())
        {
            if (!seen.Contains(key) && known.State != PointState.Gone)
            {
                _known[key] = known with { State = PointState.Gone };
                changed = true;
            }
        }

        if (changed)
        {
            Points = [.. _known.Values.OrderBy(p => p.Point.Id)];
            Generation++;
        }

        return present;
    }

    private static ObservationPoint Describe(ushort id, SelectedPoint selected) => new()
    {
        Id = id,
        // A bridge's host side is told from the bridge's name by its kind; the name alone is what people know.
        Name = selected.Link.Name,
        Kind = selected.Kind,
        InterfaceIndex = selected.Link.Index,
        IsOutgoing = selected.IsHost,
        Switch = selected.Switch,
        Vm = selected.Vm?.Name,
        VmId = selected.Vm?.Id,
        VmMac = selected.Vm?.Mac ?? 0,
        VmAliases = selected.Vm?.Aliases ?? NameSet.Empty,
        VmTags = selected.Vm?.Tags ?? NameSet.Empty,
    };
}
