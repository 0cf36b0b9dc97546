// Several outputs that share a session's flows. Each flow has a first choice among them, by rendezvous hashing (Thaler,
// Ravishankar: "Using name-based mappings to increase hit rates", 1998): when one goes down, only its flows move, spread
// over all that are left, and they stay where they went (MovedFlows). A member of weight three draws three times. Pure; one
// worker thread; the members' counts may be read by any.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Group;

/// <summary>What one member of a group got, in frames as captured.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct GroupMemberCounts
{
    public long Sent;
    public long SentWireFrames;
    public long SentBytes;

    /// <summary>Meant for it and lost, for whatever reason.</summary>
    public long Dropped;
}

/// <summary>Spreads flows over outputs. Owns them.</summary>
public sealed class GroupOutput : WireOutput
{
    /// <summary>SYN and ACK (RFC 9293 section 3.1).</summary>
    private const byte Syn = 0x02;
    private const byte SynOrAck = 0x12;

    private readonly WireOutput[] _members;
    private readonly int[] _weights;
    private readonly GroupMemberCounts[] _counts;
    private readonly MovedFlows _moved = new();
    private bool _hasMoved;
    private int _now;

    /// <param name="members">At least two; disposed with this.</param>
    /// <param name="weights">Each member's share of the flows; null = all alike.</param>
    public GroupOutput(WireOutput[] members, IReadOnlyList<int>? weights = null)
    {
        Invariant.Check(members.Length is > 1 and <= GroupTarget.MembersMax);
        Invariant.Check(weights is null || weights.Count == members.Length);
        _members = members;
        _weights = weights is null ? [.. members.Select(_ => 1)] : [.. weights];
        _counts = new GroupMemberCounts[members.Length];
    }

    /// <inheritdoc/>
    public override int Places => _members.Length;

    /// <inheritdoc/>
    public override int FrameBytesMax => _members[_now].FrameBytesMax;

    /// <inheritdoc/>
    public override bool HasRoomForTag => _members[_now].HasRoomForTag;

    /// <inheritdoc/>
    public override OversizePolicy Oversize => _members[_now].Oversize;

    /// <inheritdoc/>
    public override bool IsUp => _members[_now].IsUp;

    /// <inheritdoc/>
    public override bool IsAnyUp => Array.Exists(_members, static m => m.IsAnyUp);

    /// <inheritdoc/>
    public override int FillPercent => _members[_now].FillPercent;

    /// <summary>Flows that went back to their first choice because too many had been moved.</summary>
    public long Forgotten => _moved.Forgotten;

    /// <summary>What a member got. Any thread, field by field with Volatile.</summary>
    public ref readonly GroupMemberCounts CountsOf(int member) => ref _counts[member];

    /// <summary>True while the member takes frames. Any thread.</summary>
    public bool IsMemberUp(int member) => _members[member].IsUp;

    /// <inheritdoc/>
    public override void Route(in FrameMeta meta, in FrameLayout layout)
    {
        var flow = FlowSpread.Of(layout);
        var first = Choose(flow, mustBeUp: false);
        if (_hasMoved)
        {
            if (layout.IpProtocol == IpProtocols.Tcp && (layout.TcpFlags & SynOrAck) == Syn)
            {
                _moved.Remove(flow);
            }
            else if (_moved.Find(flow, meta.TimestampNs) is >= 0 and var moved)
            {
                _now = _members[moved].IsUp ? moved : Move(flow, meta.TimestampNs, moved);
                return;
            }
        }

        _now = _members[first].IsUp ? first : Move(flow, meta.TimestampNs, first);
    }

    /// <inheritdoc/>
    public override void RouteTo(int place) => _now = place;

    /// <inheritdoc/>
    public override string? WhyDown => Array.Find(_members, static m => !m.IsUp && m.WhyDown is not null)?.WhyDown;

    /// <inheritdoc/>
    public override IReadOnlyList<StreamClient> Clients => [.. _members.SelectMany(static m => m.Clients)];

    /// <inheritdoc/>
    public override bool TakesAsCaptured(in FrameMeta meta) => _members[_now].TakesAsCaptured(meta);

    /// <inheritdoc/>
    public override void Missed(in FrameMeta meta, DropReason reason)
    {
        _counts[_now].Dropped += reason == DropReason.Unwanted ? 0 : 1;
        _members[_now].Missed(meta, reason);
    }

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        var before = new GroupMemberCounts();
        Note(ref before, counters);
        var reason = _members[_now].Begin(meta, layout, wireFrames, wireBytes, ref counters);
        Add(_now, before, counters);
        return reason;
    }

    /// <inheritdoc/>
    public override Span<byte> Slot(int bytes) => _members[_now].Slot(bytes);

    /// <inheritdoc/>
    public override void Commit(int bytes, bool isSliced) => _members[_now].Commit(bytes, isSliced);

    /// <inheritdoc/>
    public override void CommitPart(int bytes, int wholeBytes) => _members[_now].CommitPart(bytes, wholeBytes);

    /// <inheritdoc/>
    public override void EndFrame(ref MirrorCounters counters) => _members[_now].EndFrame(ref counters);

    /// <inheritdoc/>
    public override void Flush(ref MirrorCounters counters)
    {
        for (var i = 0; i < _members.Length; i++)
        {
            var before = new GroupMemberCounts();
            Note(ref before, counters);
            _members[i].Flush(ref counters);
            Add(i, before, counters);
        }
    }

    /// <inheritdoc/>
    public override void Finish(ref MirrorCounters counters)
    {
        for (var i = 0; i < _members.Length; i++)
        {
            var before = new GroupMemberCounts();
            Note(ref before, counters);
            _members[i].Finish(ref counters);
            Add(i, before, counters);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _moved.Dispose();
        Array.ForEach(_members, m => m.Dispose());
    }

    private static void Note(ref GroupMemberCounts note, in MirrorCounters counters)
    {
        note.Sent = counters.Sent;
        note.SentWireFrames = counters.SentWireFrames;
        note.SentBytes = counters.SentBytes;
        note.Dropped = counters.Dropped;
    }

    private void Add(int member, in GroupMemberCounts before, in MirrorCounters counters)
    {
        ref var counts = ref _counts[member];
        counts.Sent += counters.Sent - before.Sent;
        counts.SentWireFrames += counters.SentWireFrames - before.SentWireFrames;
        counts.SentBytes += counters.SentBytes - before.SentBytes;
        counts.Dropped += counters.Dropped - before.Dropped;
    }

    // Where nobody is up the flow stays with the one that it had, and its frames are counted as that one's.
    private int Move(ulong flow, long nowNs, int was)
    {
        var other = Choose(flow, mustBeUp: true);
        if (other < 0)
        {
            return was;
        }

        _hasMoved = true;
        _moved.Put(flow, other, nowNs);
        return other;
    }

    // The best of as many draws as the member's weight: shares are exactly proportional, and one draw more or less moves only
    // flows to or from that member. With logarithms one draw would do, but they round as the processor likes.
    private int Choose(ulong flow, bool mustBeUp)
    {
        var best = -1;
        ulong most = 0;
        for (var i = 0; i < _members.Length; i++)
        {
            if (mustBeUp && !_members[i].IsUp)
            {
                continue;
            }

            for (var draw = 0; draw < _weights[i]; draw++)
            {
                var score = FlowSpread.Mix(flow + (ulong)(i + 1 + (draw * GroupTarget.MembersMax)));
                if (best < 0 || score > most)
                {
                    best = i;
                    most = score;
                }
            }
        }

        return best;
    }
}
