// The points of a replay: numbers for those of the source, with their names for targets that tell them. Equal names and
// descriptions are one point, so that a second pass or another segment brings no new ones. Written by the reader, read by streams'
// threads.
using Tapline.Base;
using Tapline.Mirror;
using Tapline.Mirror.Streams;

namespace Tapline.Workers.Past;

/// <summary>Numbers points. One adding thread.</summary>
internal sealed class ReplayPoints(MirrorSession session, IReadOnlyList<string> from) : IStreamPoints
{
    private readonly Dictionary<(string, string), ushort> _known = [];
    private readonly StreamPoint?[] _points = new StreamPoint?[Limits.PointsMax];
    private int _count;

    public int Generation => Volatile.Read(ref _count);

    public StreamPoint? Find(ushort pointId) => pointId < _points.Length ? Volatile.Read(ref _points[pointId]) : null;

    public long DroppedBefore(ushort pointId) => 0;

    /// <summary>The number of a point, before its first frame. The last number is shared by all points beyond the limit.</summary>
    public ushort Add(string name, string description)
    {
        if (_known.TryGetValue((name, description), out var id))
        {
            return id;
        }

        id = (ushort)Math.Min(_count, Limits.PointsMax - 1);
        _known[(name, description)] = id;
        session.SelectPoint(id, MirrorSources.Selects(from, PastPoint.Of(id, name, description)));
        Volatile.Write(ref _points[id], new StreamPoint(name, description));
        Volatile.Write(ref _count, _count + 1);
        return id;
    }
}
