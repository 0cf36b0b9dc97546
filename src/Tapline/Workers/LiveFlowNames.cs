// Names for live flows: points by their ids, and the VM behind the point where a side was seen, else the one whose NIC or
// address it is.
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Looks names up in the list of live points. Control thread only.</summary>
internal sealed class LiveFlowNames : IFlowNames
{
    private LivePoint?[] _byId = [];
    private IReadOnlyList<LivePoint> _of = [];

    private VmDirectory _directory = VmDirectory.Empty;

    /// <summary>Takes over a new list of points and who is who; nothing happens when they are the same.</summary>
    public void Follow(IReadOnlyList<LivePoint> points, VmDirectory directory)
    {
        _directory = directory;
        if (ReferenceEquals(_of, points))
        {
            return;
        }

        _of = points;
        var end = 0;
        foreach (var live in points)
        {
            end = Math.Max(end, live.Point.Id + 1);
        }

        _byId = new LivePoint?[end];
        foreach (var live in points)
        {
            _byId[live.Point.Id] = live;
        }
    }

    public string? PointName(ushort point) => point < _byId.Length ? _byId[point]?.Point.Name : null;

    public string? VmName(ushort point, ulong mac, IpAddress16 ip) =>
        _directory.OfEndpoint(point, mac, new UInt128(ip.High, ip.Low))?.Name;
}
