// The classes of a recording on one worker: each frame goes to the first that wants it, else to the default recorder. Every
// class's segments state their own completeness, so each recorder is told of the frames that are another class's.
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
    /// taken, and not kept: <paramref name="isKept"/> is false. <paramref name="slot"/> is its flow's, -1 = none.
    /// </summary>
    public bool TryTake(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slot, out bool isKept, out AppendResult result)
    {
        isKept = false;
        result = default;
        foreach (var candidate in classes)
        {
            if (!candidate.Matches(meta, layout, frame))
            {
                continue;
            }

            CountOther(meta.PointId, candidate.Recorder);
            if (candidate.Recorder is { } recorder)
            {
                isKept = true;
                result = recorder.Append(meta, frame[..candidate.Take.BytesOf(meta, layout, frame, slot)], slot, layout);
            }

            return true;
        }

        CountOther(meta.PointId, except: null);
        return false;
    }

    /// <summary>Tells the recorders of a frame that is for none of them.</summary>
    public void CountOther(ushort pointId, SegmentRecorder? except = null)
    {
        foreach (var recorder in _recorders)
        {
            if (recorder != except)
            {
                recorder.CountOtherClass(pointId);
            }
        }
    }

    /// <summary>Where the indexes find the records of flows that outlive a segment. Before the first frame.</summary>
    public void SetFlows(IFlowRecords flows) => Array.ForEach(_recorders, r => r.Flows = flows);

    /// <summary>The flow in this slot, or a part of it, has ended. All its frames were taken.</summary>
    public void EndFlow(int slot, in FlowRecord record)
    {
        foreach (var recorder in _recorders)
        {
            recorder.EndFlow(slot, record);
        }

        foreach (var item in classes)
        {
            item.Take.EndFlow(slot, record);
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
}
