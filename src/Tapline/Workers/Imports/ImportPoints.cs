// The points of an import: the captures' interfaces, each described once, whichever capture it comes from. A capture without
// names of interfaces (classic pcap) gives one point with the file's name. In: hostile text, bounded by the reader. One thread.
using Tapline.Base;
using Tapline.Capture.Files;
using Tapline.Filter;
using Tapline.Store;

namespace Tapline.Workers.Imports;

/// <summary>Collects the points of an import.</summary>
internal sealed class ImportPoints
{
    private const string FileKind = "file";
    private readonly Dictionary<(string Name, string Description, LinkType LinkType), ushort> _known = [];
    private readonly List<PointInfo> _points = [];

    /// <summary>By their numbers.</summary>
    public IReadOnlyList<PointInfo> All => _points;

    /// <summary>A capture had one more interface than an import can have.</summary>
    public bool IsFull { get; private set; }

    /// <summary>The point of an interface; null when there are too many.</summary>
    public ushort? Find(string file, FileInterface item)
    {
        var name = item.Name == file ? Path.GetFileName(file) : item.Name;
        var description = item.Description.Length > 0 ? item.Description : FileKind;
        var key = (name, description, item.LinkType);
        if (_known.TryGetValue(key, out var id))
        {
            return id;
        }

        if (_points.Count == Limits.PointsMax)
        {
            IsFull = true;
            return null;
        }

        id = (ushort)_points.Count;
        _known.Add(key, id);
        _points.Add(PointInfo.Parse(id, name, description));
        return id;
    }

    /// <summary>What names in a filter stand for: points by their names, machines where descriptions tell of them.</summary>
    public FilterDirectory Directory() => new(
        [
            .. _points.Where(p => p.Vm is not null).GroupBy(p => p.Vm!)
                .Select(g => new FilterMachine(g.Key, [.. g.Select(p => p.Id)], [], [])),
        ],
        [.. _points.Select(p => new FilterPoint(p.Id, p.Name))]);
}
