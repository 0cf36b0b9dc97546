// The classes of a recording on one worker: each frame goes to the first that wants it, else to the default recorder. Every
// class's segments state their own completeness, so each recorder is told of the frames that others took: filtered, there.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Record;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>All classes but the default one. The worker's thread only; allocates nothing per frame.</summary>
internal sealed class RecordClasses(RecordClass[] classes) : IDisposable
{
    private readonly SegmentRecorder[] _recorders = [.. classes.Select(c => c.Recorder).OfType<SegmentRecorder>()];

    /// <summary>
    /// Gives a frame to the first class that wants it; false when none does. With <see cref="RecordTakeKind.None"/> the frame is
    /// taken, and not kept: <paramref name="isKept"/> is false.
    /// </summary>
    public bool TryTake(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, out bool isKept, out AppendResult result)
    {
        isKept = false;
        result = default;
        foreach (var candidate in classes)
        {
            if (!candidate.Matches(meta, layout, frame))
            {
                continue;
            }

            CountFiltered(meta.PointId, candidate.Recorder);
            if (candidate.Recorder is { } recorder)
            {
                isKept = true;
                result = Append(recorder, meta, frame[..candidate.BytesOf(meta, layout, frame)]);
            }

            return true;
        }

        CountFiltered(meta.PointId, except: null);
        return false;
    }

    /// <summary>Tells the recorders of a frame that is for none of them.</summary>
    public void CountFiltered(ushort pointId, SegmentRecorder? except = null)
    {
        foreach (var recorder in _recorders)
        {
            if (recorder != except)
            {
                recorder.CountFiltered(pointId);
            }
        }
    }

    public void AddPoint(PointInfo point) => Array.ForEach(_recorders, r => r.AddPoint(point));

    public void SetRingDrops(ushort pointId, long totalFrames)
    {
        foreach (var recorder in _recorders)
        {
            recorder.SetRingDrops(pointId, totalFrames);
        }
    }

    public void EndBatch(long nowNs)
    {
        foreach (var recorder in _recorders)
        {
            recorder.EndBatch(nowNs);
        }
    }

    public void Close(long nowNs) => Array.ForEach(_recorders, r => r.Close(nowNs));

    public void Dispose() => Array.ForEach(classes, c => c.Dispose());

    // A frame that lost bytes on purpose is no frame that the capture cut: only its captured length says so.
    private static AppendResult Append(SegmentRecorder recorder, in FrameMeta meta, ReadOnlySpan<byte> kept)
    {
        if (kept.Length == meta.CapturedLength)
        {
            return recorder.Append(meta, kept);
        }

        var sliced = meta;
        sliced.CapturedLength = kept.Length;
        return recorder.Append(sliced, kept);
    }
}
