// Fragments find their flow: the first one by its ports, the others by the packet that they are part of.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Puts fragments to flows. One thread.</summary>
internal sealed class FragmentDesk<TSink>(
    FlowTableOptions options, FlowLife<TSink> life, FrameCounter<TSink> counter, TcpDesk<TSink> tcp) : IDisposable
    where TSink : IRecordSink
{
    private const int SweepMax = 64;
    private readonly FlowMemory _memory = life.Memory;
    private readonly FragmentCache _fragments = new(options.FragmentCapacity);

    /// <summary>Gives up packets whose missing parts have not come in time; bounded work per call.</summary>
    public void Advance(long nowNs)
    {
        var budget = SweepMax;
        var beforeNs = nowNs - options.FragmentTimeoutNs;
        for (var i = _fragments.FindStale(beforeNs, ref budget); i >= 0; i = _fragments.FindStale(beforeNs, ref budget))
        {
            SettleFragments(i);
        }
    }

    /// <summary>Gives up all packets that are not whole.</summary>
    public void SettleAll()
    {
        for (var i = 0; i < _fragments.Length && _fragments.Active > 0; i++)
        {
            if (_fragments[i].InUse)
            {
                SettleFragments(i);
            }
        }
    }

    public void Dispose() => _fragments.Dispose();

    /// <summary>Counts one fragment; returns the flow's slot, or -1 while its first fragment is missing.</summary>
    public int Observe(
        in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        life.Counters.Fragments++;
        var index = EnterFragment(prepared, layout, meta.TimestampNs);
        ref var entry = ref _fragments[index];
        entry.LastNs = meta.TimestampNs;
        if ((layout.Flags & LayoutFlags.FirstFragment) != 0)
        {
            BeginFragmented(ref entry, prepared, meta, layout, frame);
        }

        var slot = FlowOf(entry);
        if (slot < 0)
        {
            entry.Slot = -1;
            entry.PendingFrames++;
            entry.PendingBytes += meta.OriginalLength;
            entry.PendingPayloadBytes += TcpSegment.PayloadLengthOf(meta, layout);
            entry.Point = meta.PointId;
        }
        else
        {
            life.Counters.FragmentsAssigned++;
            counter.Count(slot, entry.FlowDirection, meta, layout, frame);
        }

        entry.CountedPayloadBytes += TcpSegment.PayloadLengthOf(meta, layout);
        FragmentMath.Add(ref entry, layout);
        if (entry.TotalLength != 0 && entry.ReceivedLength >= entry.TotalLength)
        {
            CompleteFragmented(index, slot, meta);
        }

        return slot;
    }

    /// <summary>The packet's entry, making room for it where needed.</summary>
    private int EnterFragment(in PreparedKey prepared, in FrameLayout layout, long nowNs)
    {
        var key = prepared.Key;
        key.Ports = 0;

        // Between equal addresses the ports decide the direction, and only first fragments have them.
        var direction = key.AHigh == key.BHigh && key.ALow == key.BLow ? 0 : prepared.Direction;
        var index = _fragments.Find(key, direction, layout.FragmentId, options.HashSeed, out var isFound);
        if (isFound && nowNs - _fragments[index].LastNs >= options.FragmentTimeoutNs)
        {
            SettleFragments(index);
            isFound = false;
        }

        if (!isFound)
        {
            if (_fragments[index].InUse)
            {
                life.Counters.FragmentsEvicted++;
                SettleFragments(index);
            }

            _fragments.Begin(index, key, direction, layout.FragmentId, nowNs);
        }

        return index;
    }

    private void BeginFragmented(
        ref FragmentEntry entry, in PreparedKey prepared, in FrameMeta meta, in FrameLayout layout,
        ReadOnlySpan<byte> frame)
    {
        var slot = life.FindOrCreate(prepared, meta, layout, frame);
        if (layout.IpProtocol == FlowProtocol.Tcp && (layout.Flags & LayoutFlags.HasTransport) != 0
            && TcpSegment.TryRead(meta, layout, frame, out var segment))
        {
            if ((segment.Flags & TcpFlag.Syn) != 0)
            {
                slot = tcp.MeetSyn(slot, prepared, meta, layout, frame, segment);
            }

            entry.Segment = segment;
            entry.HasSegment = true;
        }

        entry.TransportHeaderLength = layout.TransportHeaderLength;

        entry.Slot = slot;
        entry.FlowId = _memory.Cold[slot].FlowId;
        entry.FlowDirection = prepared.Direction;
        CreditPending(ref entry, slot, prepared.Direction);
    }

    /// <summary>Gives a flow the frames that came before it was known.</summary>
    private void CreditPending(ref FragmentEntry entry, int slot, int direction)
    {
        if (entry.PendingFrames == 0)
        {
            return;
        }

        ref var hot = ref _memory.Hot[slot];
        ref var sent = ref direction == 0 ? ref hot.Direction0 : ref hot.Direction1;
        if (sent.Frames == 0)
        {
            FlowBirth.FillDirectionFromFragments(ref _memory.Cold[slot], direction, entry);
        }

        sent.Frames += entry.PendingFrames;
        sent.Bytes += entry.PendingBytes;
        sent.PayloadBytes += entry.PendingPayloadBytes;
        sent.LastNs = Math.Max(sent.LastNs, entry.LastNs);
        life.Counters.FragmentsAssigned += entry.PendingFrames;
        entry.PendingFrames = 0;
        entry.PendingBytes = 0;
        entry.PendingPayloadBytes = 0;
    }

    private int FlowOf(in FragmentEntry entry) =>
        entry.Slot >= 0 && _memory.Hot[entry.Slot].Has(FlowHot.InUse) && _memory.Cold[entry.Slot].FlowId == entry.FlowId
            ? entry.Slot
            : -1;

    private void CompleteFragmented(int index, int slot, in FrameMeta meta)
    {
        ref var entry = ref _fragments[index];
        if (slot < 0)
        {
            SettleFragments(index);
            return;
        }

        if (entry.TransportHeaderLength != 0 && entry.TotalLength >= entry.TransportHeaderLength)
        {
            // Only now the length is known: without overlaps, and without a header that reached into the second fragment.
            var payloadLength = entry.TotalLength - entry.TransportHeaderLength;
            ref var hot = ref _memory.Hot[slot];
            ref var sent = ref entry.FlowDirection == 0 ? ref hot.Direction0 : ref hot.Direction1;
            sent.PayloadBytes += payloadLength - entry.CountedPayloadBytes;
            if (entry.HasSegment)
            {
                // The segment stands whole only now: its time is that of the fragment that completes it.
                var segment = entry.Segment;
                segment.TimeNs = meta.TimestampNs;
                segment.PayloadLength = payloadLength;
                tcp.Judge(slot, entry.FlowDirection, segment, default, default, gsoSize: 0);
            }
        }

        _fragments.End(index);
    }

    /// <summary>Ends an entry; frames whose first fragment never came go to a flow without ports.</summary>
    private void SettleFragments(int index)
    {
        var entry = _fragments[index];
        _fragments.End(index);
        if (entry.PendingFrames == 0)
        {
            return;
        }

        life.Counters.FragmentsWithoutPorts += entry.PendingFrames;
        PreparedKey prepared = default;
        prepared.Key = entry.Key;
        prepared.Hash = entry.Key.Hash(options.HashSeed);
        prepared.Direction = entry.Direction;
        prepared.IsFlow = true;
        var slot = life.Find(prepared);
        if (slot < 0)
        {
            slot = life.CreateForFragments(prepared, entry);
        }

        CreditPending(ref entry, slot, entry.Direction);
    }
}
