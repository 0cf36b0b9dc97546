// The engine's observation points, as streams describe them in their files. Streams are opened before the capture is, so
// both sides are put in later; until then points have no names, and no frame comes either.
using Tapline.Capture.Ring;
using Tapline.Mirror.Streams;

namespace Tapline.Workers;

/// <summary>Answers streams' threads. Any thread.</summary>
internal sealed class MirrorPoints : IStreamPoints
{
    private volatile LiveCapture? _capture;
    private volatile RingLosses? _losses;

    /// <summary>The capture, as soon as it is open.</summary>
    public LiveCapture? Capture
    {
        set => _capture = value;
    }

    /// <summary>What its rings lose.</summary>
    public RingLosses? Losses
    {
        set => _losses = value;
    }

    public int Generation => _capture?.PointsGeneration ?? 0;

    public StreamPoint? Find(ushort pointId)
    {
        foreach (var live in _capture?.Points ?? [])
        {
            if (live.Point.Id == pointId)
            {
                var info = PointNames.Describe(live.Point);
                return new StreamPoint(info.Name, info.Description);
            }
        }

        return null;
    }

    public long DroppedBefore(ushort pointId) => _losses?.Dropped(pointId) ?? 0;
}
