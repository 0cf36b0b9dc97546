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

    /// <summary>All wire frames of the captured frame are written; the output now owes the ledger its fate.</summary>
    public abstract void EndFrame(ref MirrorCounters counters);

    /// <summary>Hands over what waits, as far as the target takes it. Called after every batch and when idle.</summary>
    public abstract void Flush(ref MirrorCounters counters);

    /// <summary>Last call before Dispose: what still waits and is not taken now is counted as dropped.</summary>
    public abstract void Finish(ref MirrorCounters counters);

    public abstract void Dispose();
}
