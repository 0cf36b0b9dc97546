// The live capture's points, as workers and ledger see them.
using Tapline.Capture.Points;
using Tapline.Capture.Ring;

namespace Tapline.Workers;

/// <summary>Points of a live capture.</summary>
internal sealed class LivePointBook(LiveCapture capture) : IPointBook
{
    public int Generation => capture.PointsGeneration;

    public IReadOnlyList<LivePoint> Points => capture.Points;
}
