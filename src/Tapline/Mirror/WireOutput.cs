// The seam between a mirror session (pure: decides, shapes, segments) and what carries the copy away (kernel, tunnel,
// test). The output owns the memory into which the session writes wire frames; the session never keeps a span of it.
// One worker thread calls all of it. No call may block: an output that cannot take a frame says so.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror;

/// <summary>Takes finished wire frames, without ever blocking.</summary>
public abstract class WireOutput : IDisposable
{
    /// <summary>The longest frame that the target takes, in L2 bytes without FCS and without an 802.1Q tag.</summary>
    public abstract int FrameBytesMax { get; }

    /// <summary>True when one 802.1Q tag may stand on top of that (an Ethernet port); false when it counts like any bytes.</summary>
    public virtual bool HasRoomForTag => true;

    /// <summary>What becomes of wire frames that are longer than <see cref="FrameBytesMax"/>.</summary>
    public virtual OversizePolicy Oversize => OversizePolicy.Drop;

    /// <summary>True while the target takes frames; false when it is down or gone.</summary>
    public abstract bool IsUp { get; }

    /// <summary>True while some part of the target takes frames. Any thread.</summary>
    public virtual bool IsAnyUp => IsUp;

    /// <summary>How full the buffer of frames is that the target has not taken yet, in percent.</summary>
    public virtual int FillPercent => 0;

    /// <summary>The same of the place that has least room; a source that can wait goes by it.</summary>
    public virtual int FullestPercent => FillPercent;

    /// <summary>Places among which <see cref="Route"/> chooses.</summary>
    public virtual int Places => 1;

    /// <summary>The next frame goes to this place, whatever its flow.</summary>
    public virtual void RouteTo(int place)
    {
    }

    /// <summary>
    /// The next frame, before anything else is asked about it: an output that leads to several places chooses here, and all
    /// properties speak of that place until the next call.
    /// </summary>
    public virtual void Route(in FrameMeta meta, in FrameLayout layout)
    {
    }

    /// <summary>Why it is down, as one sentence; null when it is up or nothing more is known. Any thread.</summary>
    public virtual string? WhyDown => null;

    /// <summary>Who reads the stream, where the target serves clients. A new list after each change; any thread.</summary>
    public virtual IReadOnlyList<StreamClient> Clients => [];

    /// <summary>
    /// True when a frame of that kind is to be handed over as captured: one piece, super-frame or not, whole or cut.
    /// </summary>
    /// <param name="meta">The frame.</param>
    public virtual bool TakesAsCaptured(in FrameMeta meta) => false;

    /// <summary>The session had a frame for this output that it will not get; for targets that state what they lack.</summary>
    public virtual void Missed(in FrameMeta meta, DropReason reason)
    {
    }

    /// <summary>
    /// Asks for room for one captured frame that becomes up to <paramref name="wireFrames"/> wire frames of together up
    /// to <paramref name="wireBytes"/> bytes. <see cref="DropReason.None"/> = there is room, and <see cref="Slot"/>,
    /// <see cref="Commit"/> and <see cref="EndFrame"/> follow.
    /// </summary>
    /// <param name="meta">Time, point and direction of the captured frame, for targets that tell them.</param>
    /// <param name="layout">Its layout, for targets that keep a flow together.</param>
    /// <param name="wireFrames">Wire frames at most.</param>
    /// <param name="wireBytes">Their bytes at most, together.</param>
    /// <param name="counters">The session's ledger.</param>
    public abstract DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters);

    /// <summary>Room for the next wire frame, at least <paramref name="bytes"/> long.</summary>
    public abstract Span<byte> Slot(int bytes);

    /// <summary>The slot now holds a wire frame of this length, cut on purpose or whole.</summary>
    public abstract void Commit(int bytes, bool isSliced);

    /// <summary>The same with the wire frame's length before it was cut, for targets that tell it.</summary>
    public virtual void CommitPart(int bytes, int wholeBytes) => Commit(bytes, isSliced: bytes < wholeBytes);

    /// <summary>All wire frames of the captured frame are written; the output now owes the ledger its fate.</summary>
    public abstract void EndFrame(ref MirrorCounters counters);

    /// <summary>Hands over what waits, as far as the target takes it. Called after every batch and when idle.</summary>
    public abstract void Flush(ref MirrorCounters counters);

    /// <summary>Last call before Dispose: what still waits and is not taken now is counted as dropped.</summary>
    public abstract void Finish(ref MirrorCounters counters);

    public abstract void Dispose();
}
