// Which of the engine's points a recorded interface is. One that is described as a live point is that point; any other gets a
// number of its own from the upper end, so that sessions can choose it by `from` and streams can name it. In: hostile text. One thread
// for each session; the numbers are the engine's.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Ring;
using Tapline.Mirror;
using Tapline.Record.Extract;

namespace Tapline.Workers.Past;

/// <summary>Numbers the points of a session's past.</summary>
internal sealed class PastPoints(LiveCapture? capture, MirrorPoints names, MirrorPlan plan, MirrorSession[] sessions)
{
    private readonly ExtractPoints _described = new();
    private readonly List<(ExtractPoint Point, ushort Id)> _numbers = [];
    private int _generation = -1;

    /// <summary>The point of an interface block; null when it cannot be read.</summary>
    public ExtractPoint? Find(ReadOnlySpan<byte> block)
    {
        var point = _described.Find(block, out var isNew);
        if (point is not null && isNew)
        {
            _numbers.Add((point, Number(point)));
        }

        return point;
    }

    /// <summary>The number that its frames carry into the session now.</summary>
    public ushort IdOf(ExtractPoint point)
    {
        if (capture is not null && capture.PointsGeneration != _generation)
        {
            _generation = capture.PointsGeneration;
            for (var i = 0; i < _numbers.Count; i++)
            {
                _numbers[i] = (_numbers[i].Point, Number(_numbers[i].Point));
            }
        }

        return _numbers[point.Id].Id;
    }

    /// <summary>True when frames of the point are the session's.</summary>
    public bool IsWanted(ExtractPoint point) => sessions[0].IsSource(IdOf(point));

    private ushort Number(ExtractPoint point)
    {
        foreach (var live in capture?.Points ?? [])
        {
            if (live.Point.Name == point.Name && PointNames.Describe(live.Point).Description == point.Description)
            {
                Select(live.Point);
                return live.Point.Id;
            }
        }

        var past = PastPoint.Of(names.NumberOfPast(point.Name, point.Description), point.Name, point.Description);
        Select(past);
        return past.Id;
    }

    private void Select(ObservationPoint point)
    {
        if (plan.From.Count > 0)
        {
            var isWanted = MirrorSources.Selects(plan.From, point);
            Array.ForEach(sessions, s => s.SelectPoint(point.Id, isWanted));
        }
    }
}
