// The points of an analysis: interfaces of captures one by one, those of segments once for each description, because a recording
// describes its points in every segment. Bounded by the numbers that a frame can carry. Guarded by its input.
using Tapline.Base;
using Tapline.Capture.Files;

namespace Tapline.Workers.Offline;

/// <summary>Numbers points.</summary>
internal sealed class InputPoints
{
    private readonly Dictionary<(string Name, string Description, LinkType LinkType), ushort> _recorded = [];
    private readonly List<FileInterface> _all = [];

    /// <summary>By their numbers.</summary>
    public IReadOnlyList<FileInterface> All => _all;

    /// <summary>No further file can be taken.</summary>
    public bool IsFull => _all.Count > ushort.MaxValue;

    /// <summary>Numbers the interfaces of a lane's file that have come up; true when there are new points.</summary>
    public bool Meet(InputLane lane)
    {
        var before = _all.Count;
        var interfaces = lane.Reader!.Interfaces;
        for (var i = lane.PointsMet; i < interfaces.Count; i++)
        {
            var item = interfaces[i];
            var key = (item.Name, item.Description, item.LinkType);
            if (lane.IsRecorded && _recorded.TryGetValue(key, out var id))
            {
                lane.AddPoint(id);
                continue;
            }

            // The last number stands for all that come after it: the file in which it came up is the last.
            id = (ushort)Math.Min(_all.Count, ushort.MaxValue);
            lane.AddPoint(id);
            _all.Add(item with { PointId = id });
            if (lane.IsRecorded)
            {
                _recorded.Add(key, id);
            }
        }

        return _all.Count > before;
    }
}
