// One mirror session on one worker: every frame that the worker saw is offered once, and leaves as it would have left
// on a wire, or is counted with the reason. In: borrowed frame bytes, for the call. Out: wire frames written into the
// output's memory. Pure apart from the output. One worker thread; the counters may be read by any.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Mirror.Canary;
using Tapline.Mirror.Group;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror;

/// <summary>The copies of one session from one worker. Owns its output.</summary>
public sealed class MirrorSession : IDisposable
{
    /// <summary>The shortest slice: an Ethernet header.</summary>
    public const int SliceBytesMin = 14;

    /// <summary>Frames for which a target that has just taken nothing is not asked again: each time is a system call.</summary>
    private const int StuckFlushPause = 16;

    private readonly MirrorSessionOptions _options;
    private readonly CompiledFilter _filter;
    private readonly WireOutput _output;
    private readonly bool[] _points = new bool[Limits.PointsMax];
    private readonly FrameShaper? _shaper;
    private readonly FrameValue _value = new();
    private readonly CanaryWitness _canary = new();
    private MirrorCounters _counters;
    private int _flushPause;

    /// <summary>Creates the worker's instance; <paramref name="output"/> is disposed with it.</summary>
    public MirrorSession(MirrorSessionOptions options, WireOutput output)
    {
        _options = options;
        _filter = options.Filter;
        _output = output;
        _shaper = options.Shape is null ? null : new FrameShaper(options.Shape);
        Array.Fill(_points, options.AllPoints);
    }

    /// <summary>What the session was told to do.</summary>
    public MirrorSessionOptions Options => _options;

    /// <summary>The counters, written by the worker only; other threads read single fields with Volatile.</summary>
    public ref readonly MirrorCounters Counters => ref _counters;

    /// <summary>The group of targets among which this session spreads flows; null when it has one target.</summary>
    public GroupOutput? Group => _output as GroupOutput;

    /// <summary>What became of the last canary. Any thread.</summary>
    public CanaryFate Canary => _canary.Fate;

    /// <summary>True while the target takes frames.</summary>
    public bool IsTargetUp => _output.IsAnyUp;

    /// <summary>Why the target is down; null when nothing is known.</summary>
    public string? WhyDown => _output.WhyDown;

    /// <summary>Who reads the stream, where the target serves clients.</summary>
    public IReadOnlyList<StreamClient> Clients => _output.Clients;

    /// <summary>
    /// Says whether the point is a source of this session. Called when the point appears, before its first frame.
    /// </summary>
    public void SelectPoint(ushort pointId, bool selected) => _points[pointId] = selected;

    /// <summary>Offers one frame. Frames of points that are no source of the session are not counted.</summary>
    /// <param name="meta">What capture knows of it.</param>
    /// <param name="layout">Its layout.</param>
    /// <param name="frame">Its bytes, borrowed for the call.</param>
    /// <param name="hasEvent">Something went wrong in its flow: a target that cannot have all frames gets it before others.</param>
    public void Offer(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, bool hasEvent = false)
    {
        if (meta.PointId >= (uint)_points.Length || !_points[meta.PointId])
        {
            return;
        }

        if (layout.EtherType == CanaryFrame.EtherType
            && CanaryFrame.TryRead(frame, _options.CanarySecret, out var session, out var number))
        {
            if (session == _options.Id)
            {
                SendCanary(number, meta, layout, frame);
            }

            return;
        }

        if (!_filter.Matches(meta, layout, frame))
        {
            _counters.Filtered++;
            _counters.Offered++;
            return;
        }

        if (_shaper is not null)
        {
            OfferShaped(_shaper, meta, layout, frame, hasEvent);
            return;
        }

        _output.Route(meta, layout);
        Count(meta, Send(meta, layout, frame, SliceCut.Of(int.MaxValue), hasEvent));
    }

    /// <summary>Hands over what waits. Call after every batch, and regularly when no frames come.</summary>
    public void EndBatch()
    {
        _output.Flush(ref _counters);
        _canary.Look(_counters);
    }

    /// <summary>The last flush; afterwards nothing waits and the counters are final.</summary>
    public void Finish() => _output.Finish(ref _counters);

    public void Dispose()
    {
        _value.Dispose();
        _shaper?.Dispose();
        _output.Dispose();
    }

    // The shaper sees every selected frame, whether the target is up or not: what it remembers must not have gaps.
    private void OfferShaped(FrameShaper shaper, FrameMeta meta, FrameLayout layout, ReadOnlySpan<byte> frame, bool hasEvent)
    {
        var verdict = shaper.Admit(meta, layout, frame);
        _counters.Forgotten = shaper.Forgotten;
        if (verdict != ShapeVerdict.Taken)
        {
            _counters.Offered++;
            _counters.SampledOut += verdict == ShapeVerdict.SampledOut ? 1 : 0;
            _counters.Filtered += verdict == ShapeVerdict.SampledOut ? 0 : 1;
            _counters.Deduplicated += verdict == ShapeVerdict.Duplicate ? 1 : 0;
            _counters.FlowEnded += verdict == ShapeVerdict.FlowEnded ? 1 : 0;
            return;
        }

        _output.Route(meta, layout);
        var reason = DropReason.Error;
        if (shaper.TryShape(ref meta, ref layout, ref frame, out var isMasked))
        {
            _counters.Masked += isMasked ? 1 : 0;
            reason = Send(meta, layout, frame, shaper.Cut(layout, frame), hasEvent);
        }

        Count(meta, reason);
    }

    // Neither filtered nor shaped, to each place of the target, and counted like every frame.
    private void SendCanary(long number, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var before = _counters;
        for (var place = 0; place < _output.Places; place++)
        {
            _output.RouteTo(place);
            _output.Flush(ref _counters);
            Count(meta, Send(meta, layout, frame, SliceCut.Of(int.MaxValue), hasEvent: false));
        }

        _output.Flush(ref _counters);
        _canary.Begin(number, before, _counters);
    }

    private void Count(in FrameMeta meta, DropReason reason)
    {
        if (reason != DropReason.None)
        {
            _counters.CountDrop(reason);
            _output.Missed(meta, reason);
        }
    }

    private DropReason Send(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, SliceCut slice, bool hasEvent)
    {
        if (!_output.IsUp)
        {
            return DropReason.TargetDown;
        }

        if (!IsWorth(layout, hasEvent))
        {
            return DropReason.Shed;
        }

        if (_output.TakesAsCaptured(meta))
        {
            return SendAsCaptured(meta, layout, frame, slice.Keep(0, 0));
        }

        var bytesMax = _output.FrameBytesMax;
        if (!WirePlanner.TryPlan(meta, layout, frame, bytesMax, out var plan))
        {
            return SendCut(meta, layout, frame, slice.Keep(0, 0));
        }

        // All segments but the last are as long as the longest, so one test decides for all of them.
        slice.ShiftHeaders(plan.HeaderShift(frame));
        bytesMax += TagBytes(frame);
        if (Math.Min(plan.LongestBytes, slice.Keep(0, plan.SegmentBytes)) > bytesMax
            && !TryFit(meta, layout, frame, bytesMax, ref plan, ref slice))
        {
            return DropReason.TooLong;
        }

        if (_shaper?.Plan.Cap is { } cap && !cap.TryTake(meta.TimestampNs, cap.CountsFrames ? plan.Count : slice.WireBits(plan)))
        {
            return DropReason.RateCapped;
        }

        var reason = _output.Begin(meta, layout, plan.Count, plan.RoomBytes, ref _counters);
        if (reason != DropReason.None)
        {
            return reason;
        }

        for (var i = 0; i < plan.Count; i++)
        {
            var bytes = WireWriter.Write(plan, frame, i, _output.Slot(plan.LongestBytes));
            var keep = slice.Keep(i, plan.SegmentBytes);
            _output.CommitPart(Math.Min(bytes, keep), bytes);
        }

        _output.EndFrame(ref _counters);
        return DropReason.None;
    }

    // A target that does not keep up: what it is given is chosen, instead of whatever comes when there is room.
    private bool IsWorth(in FrameLayout layout, bool hasEvent)
    {
        var fill = _output.FillPercent;
        if (fill >= FrameValue.CrowdedPercent && --_flushPause < 0)
        {
            _output.Flush(ref _counters);
            fill = _output.FillPercent;
            _flushPause = fill >= FrameValue.CrowdedPercent ? StuckFlushPause : 0;
        }

        return _value.IsWorth(layout, hasEvent, fill);
    }

    private bool TryFit(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int bytesMax, ref WirePlan plan, ref SliceCut slice)
    {
        switch (_output.Oversize)
        {
            case OversizePolicy.Resegment:
                return WirePlanner.TryShorten(meta, layout, frame, bytesMax, ref plan);
            case OversizePolicy.Slice when bytesMax >= SliceBytesMin:
                slice.Limit(bytesMax);
                return true;
            default:
                return false;
        }
    }

    // A frame of which capture kept only the beginning can leave when the session wants no more than that.
    private DropReason SendCut(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slice)
    {
        if (meta.LinkType != LinkType.Ethernet || frame.Length < slice || meta.OriginalLength <= slice
            || meta.GsoSize != 0 || (meta.Flags & FrameFlags.ChecksumPartial) != 0)
        {
            return DropReason.Error;
        }

        if (slice > _output.FrameBytesMax + TagBytes(frame))
        {
            return DropReason.TooLong;
        }

        if (_shaper?.Plan.Cap is { } cap && !cap.TryTake(meta.TimestampNs, cap.CountsFrames ? 1 : slice * 8L))
        {
            return DropReason.RateCapped;
        }

        var reason = _output.Begin(meta, layout, 1, slice, ref _counters);
        if (reason != DropReason.None)
        {
            return reason;
        }

        frame[..slice].CopyTo(_output.Slot(slice));
        _output.CommitPart(slice, meta.OriginalLength);
        _output.EndFrame(ref _counters);
        return DropReason.None;
    }

    // For targets that can say of a frame what it is.
    private DropReason SendAsCaptured(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int slice)
    {
        var bytes = Math.Min(frame.Length, slice);
        if (bytes > _output.FrameBytesMax)
        {
            return DropReason.TooLong;
        }

        if (_shaper?.Plan.Cap is { } cap && !cap.TryTake(meta.TimestampNs, cap.CountsFrames ? 1 : bytes * 8L))
        {
            return DropReason.RateCapped;
        }

        var reason = _output.Begin(meta, layout, 1, bytes, ref _counters);
        if (reason != DropReason.None)
        {
            return reason;
        }

        frame[..bytes].CopyTo(_output.Slot(bytes));
        _output.CommitPart(bytes, Math.Max(meta.OriginalLength, frame.Length));
        _output.EndFrame(ref _counters);
        return DropReason.None;
    }

    // The MTU counts L3 bytes; one 802.1Q tag may be on top of it (packet_extra_vlan_len_allowed in the kernel), others
    // not.
    private int TagBytes(ReadOnlySpan<byte> frame) =>
        _output.HasRoomForTag && frame.Length >= 14 && frame[12] == 0x81 && frame[13] == 0x00 ? 4 : 0;
}
