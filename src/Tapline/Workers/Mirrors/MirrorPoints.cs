// The engine's observation points, as streams describe them in their files. Streams are opened before the capture is, so
// both sides are put in later; until then points have no names, and no frame comes either.
using Tapline.Base;
using Tapline.Capture.Ring;
using Tapline.Mirror.Streams;

namespace Tapline.Workers;

/// <summary>Answers streams' threads. Any thread.</summary>
internal sealed class MirrorPoints : IStreamPoints
{
    private volatile LiveCapture? _capture;
    private volatile RingLosses? _losses;
    private readonly StreamPoint?[] _past = new StreamPoint?[Limits.PastPointsMax];
    private int _pastCount;

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

    public int Generation => (_capture?.PointsGeneration ?? 0) + Volatile.Read(ref _pastCount);

    /// <summary>The number of a point that is known from a recording only, from the upper end of all numbers; beyond the limit they
    /// share the last one. Any thread; allocates.</summary>
    public ushort NumberOfPast(string name, string description)
    {
        lock (_past)
        {
            var point = new StreamPoint(name, description);
            var place = Array.IndexOf(_past, point, 0, _pastCount);
            if (place < 0)
            {
                place = Math.Min(_pastCount, _past.Length - 1);
                Volatile.Write(ref _past[place], point);
                Volatile.Write(ref _pastCount, place + 1);
            }

            return (ushort)(Limits.PointsMax - 1 - place);
        }
    }

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

        var place = Limits.PointsMax - 1 - pointId;
        return place < Volatile.Read(ref _pastCount) ? Volatile.Read(ref _past[place]) : null;
    }

    public long DroppedBefore(ushort pointId) => _losses?.Dropped(pointId) ?? 0;
}
