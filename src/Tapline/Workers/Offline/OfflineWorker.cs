// One thread of an analysis of capture files. Alone it reads, decodes and follows flows itself, 256 frames at a time, so
// that their bytes are still near. In company it decodes whole blocks and follows only the flows that it owns.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>One worker with its counts and its part of the flows.</summary>
internal sealed class OfflineWorker : IDisposable
{
    private const int ReadTimeoutMs = 100;
    private const int FlowsMin = 1024;
    private const int Ipv4Addresses = 12;
    private const int Ipv6Addresses = 8;
    private const int TcpFixedHeader = 20;
    private readonly FlowTable<FlowTally> _flows;
    private readonly CompiledFilter _filter;
    private readonly long _sinceNs;
    private readonly long _untilNs;
    private readonly int _index;
    private readonly int _owners;

    public OfflineWorker(OfflineOptions options, int index, int owners)
    {
        _index = index;
        _owners = owners;
        _filter = options.Filter;
        _sinceNs = options.SinceNs;
        _untilNs = options.UntilNs;
        Tally = new OfflineTally(options.KeepLedger);
        Flows = new FlowTally(options.KeepFlows);
        _flows = new FlowTable<FlowTally>(
            FlowTableOptions.Offline with
            {
                Capacity = Math.Max(FlowsMin, options.FlowCapacity / owners),
                FragmentCapacity = Limits.OfflineFragmentedPackets,
                FlowIdPrefix = (ushort)index,
            },
            Flows);
    }

    public OfflineTally Tally { get; }

    public FlowTally Flows { get; }

    public ref readonly FlowCounters Counters => ref _flows.Counters;

    /// <summary>Why the worker failed; a defect, not bad input.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The whole analysis on this thread.</summary>
    public void RunAlone(OfflineInput input)
    {
        using var slot = new BlockSlot(owners: 1);
        var frames = slot.Owner(0);
        while (input.TryRead(slot.Block, ReadTimeoutMs, out _))
        {
            for (var from = 0; from < slot.Block.Count; from += Limits.BatchFramesMax)
            {
                slot.Begin(_index);
                Decode(slot, from, Math.Min(from + Limits.BatchFramesMax, slot.Block.Count));
                Follow(slot.Block, frames, 0, frames.Count);
            }
        }

        _flows.Flush(FlowEndReason.EndOfInput);
    }

    /// <summary>This thread's share of the analysis.</summary>
    public void RunShare(BlockExchange exchange)
    {
        try
        {
            long next = 0;
            while (true)
            {
                var work = exchange.Take(next, out var slot, out var number);
                if (work == BlockExchange.Work.End)
                {
                    break;
                }

                if (work == BlockExchange.Work.Decode)
                {
                    slot.Begin(_index);
                    Decode(slot, 0, slot.Block.Count);
                    exchange.Publish(slot, number);
                }
                else
                {
                    FollowInBatches(slot);
                    exchange.Release(slot);
                    next++;
                }
            }

            _flows.Flush(FlowEndReason.EndOfInput);
        }
        catch (Exception e)
        {
            Failure = e;
            exchange.Stop();
        }
    }

    public void Dispose() => _flows.Dispose();

    /// <summary>Decodes, filters, counts, and assigns each frame to the owner of its conversation.</summary>
    private void Decode(BlockSlot slot, int from, int to)
    {
        // Counted here and not in the lists: those lie side by side with what other cores write.
        Span<int> counts = stackalloc int[Limits.WorkersMax];
        var block = slot.Block;
        for (var i = from; i < to; i++)
        {
            ref readonly var meta = ref block.Meta(i);
            if (meta.TimestampNs < _sinceNs || meta.TimestampNs >= _untilNs)
            {
                continue;
            }

            FrameDecoder.Decode(block.Bytes(i), meta, out var layout);
            if (!_filter.IsEverything && !_filter.Matches(meta, layout, block.Bytes(i)))
            {
                Tally.Filtered++;
                continue;
            }

            Tally.Count(meta, layout);
            var owner = _owners == 1 || layout.IpVersion == 0 ? 0 : Owner(layout.AddressHash);
            slot.Owner(owner).Put(counts[owner]++, i, layout);
            if ((layout.Flags & LayoutFlags.QuotesPacket) != 0 && _owners > 1)
            {
                AssignQuoted(slot, counts, block.Bytes(i), i, layout, owner);
            }
        }

        for (var owner = 0; owner < _owners; owner++)
        {
            slot.Owner(owner).Count = counts[owner];
        }
    }

    /// <summary>An ICMP error concerns two conversations: its own, and the one that it quotes, which another worker may own.</summary>
    private void AssignQuoted(
        BlockSlot slot, Span<int> counts, ReadOnlySpan<byte> frame, int index, in FrameLayout layout, int owner)
    {
        if (QuotedPacket.TryLayout(layout, frame, out var quoted))
        {
            var hash = quoted.IpVersion == 4
                ? AddressHash.Ipv4(frame[(quoted.NetworkOffset + Ipv4Addresses)..])
                : AddressHash.Ipv6(frame[(quoted.NetworkOffset + Ipv6Addresses)..]);
            var quotedOwner = Owner(hash);
            if (quotedOwner != owner)
            {
                slot.Owner(quotedOwner).Put(counts[quotedOwner]++, ~index, layout);
            }
        }
    }

    // The hash's upper bits choose the owner; the flow table's index uses a hash of its own. Frames without IP have no
    // address pair that both directions share: one worker owns them all.
    private int Owner(uint addressHash) => (int)(((ulong)addressHash * (uint)_owners) >> 32);

    private void FollowInBatches(BlockSlot slot)
    {
        var frames = slot.Owner(_index);
        for (var from = 0; from < frames.Count; from += Limits.BatchFramesMax)
        {
            var to = Math.Min(from + Limits.BatchFramesMax, frames.Count);
            if (slot.DecodedBy != _index)
            {
                Fetch(slot.Block, frames, from, to);
            }

            Follow(slot.Block, frames, from, to);
        }
    }

    /// <summary>Another core has decoded these frames: asks for their headers before they are needed.</summary>
    private static void Fetch(FrameBlock block, OwnedFrames frames, int from, int to)
    {
        for (var n = from; n < to; n++)
        {
            var i = frames.Frame(n);
            ref readonly var layout = ref frames.Layout(n);
            block.Prefetch(i < 0 ? ~i : i, layout.NetworkOffset + Ipv4Addresses);
            block.Prefetch(i < 0 ? ~i : i, layout.TransportOffset + TcpFixedHeader);
        }
    }

    private void Follow(FrameBlock block, OwnedFrames frames, int from, int to)
    {
        for (var n = from; n < to; n++)
        {
            var i = frames.Frame(n);
            _flows.Prepare(n - from, frames.Layout(n), block.Bytes(i < 0 ? ~i : i));
        }

        _flows.PrefetchLanes(to - from);

        for (var n = from; n < to; n++)
        {
            var i = frames.Frame(n);
            if (i < 0)
            {
                _flows.NoteQuoted(frames.Layout(n), block.Bytes(~i));
                continue;
            }

            _flows.ObservePrepared(n - from, block.Meta(i), frames.Layout(n), block.Bytes(i));
        }
    }
}
