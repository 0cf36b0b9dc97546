// Replays one capture through the real reader, decoder and flow table, and then states the result in tshark's terms:
// a fragmented datagram counts in its conversation at the frame that completes it; a tunnelled packet counts in the
// carrier's conversation too; a frame whose transport header is not whole counts nowhere.
using System.Buffers.Binary;
using System.Net;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;

namespace Tapline.Tests.CorpusProof;

/// <summary>What came out of one capture.</summary>
internal sealed class CorpusReplay
{
    private readonly HashSet<long> _completing;
    private readonly Dictionary<ulong, Conversation> _adjustments = [];
    private readonly Dictionary<(ulong, ulong, uint), List<(int Direction, long Bytes, long Number)>> _early = [];

    private sealed class Collector : IRecordSink
    {
        public List<FlowRecord> Records { get; } = [];

        public void Write(in FlowRecord record) => Records.Add(record);
    }

    private CorpusReplay(HashSet<long> completing) => _completing = completing;

    public List<FlowRecord> Records { get; private set; } = [];

    public FlowCounters Counters { get; private set; }

    public string? Fault { get; private set; }

    /// <summary>Frames of carriers (outer UDP) by conversation.</summary>
    public Dictionary<(Endpoint, Endpoint), Conversation> Carriers { get; } = [];

    /// <summary>Frames that our flow counts and tshark's conversation does not, by flow id; A = the initiator.</summary>
    public Dictionary<ulong, Conversation> NotCounted => _adjustments;

    public long Frames { get; private set; }

    public static CorpusReplay Run(string path, HashSet<long> completing)
    {
        var replay = new CorpusReplay(completing);
        using var source = CaptureFileSource.Open(path, 0, out var error);
        if (source is null)
        {
            replay.Fault = error;
            return replay;
        }

        var collector = new Collector();
        using var table = new FlowTable<Collector>(FlowTableOptions.Offline with { Capacity = 1 << 16 }, collector);
        var batch = new FrameBatch();
        while (source.Lease(batch, 1000) is LeaseResult.Frames or LeaseResult.Idle)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var meta = batch.Meta(i);
                replay.ObserveOne(table, meta, batch.Bytes(i));
            }

            source.Release(batch);
        }

        table.Flush(FlowEndReason.EndOfInput);
        replay.SubtractNeverBegun(collector.Records);
        replay.Fault = source.Fault;
        replay.Records = collector.Records;
        replay.Counters = table.Counters;
        return replay;
    }

    /// <summary>Fragments whose first one never came: a flow without ports for us, no conversation for tshark.</summary>
    private void SubtractNeverBegun(List<FlowRecord> records)
    {
        var ported = records.Where(r => FlowProtocol.HasPorts(r.Protocol) && r.InitiatorPort == 0 && r.ResponderPort == 0);
        foreach (var record in ported)
        {
            var frames = record.Initiator.Frames + record.Responder.Frames;
            var bytes = record.Initiator.Bytes + record.Responder.Bytes;
            var left = _early.Values.SelectMany(list => list).ToList();
            if (left.Count >= frames && left.Sum(e => e.Bytes) >= bytes)
            {
                _adjustments[record.FlowId] = new Conversation(default, default)
                {
                    FramesA = record.Initiator.Frames,
                    FramesB = record.Responder.Frames,
                    BytesA = record.Initiator.Bytes,
                    BytesB = record.Responder.Bytes,
                };
            }
        }
    }

    private void ObserveOne(FlowTable<Collector> table, in FrameMeta meta, ReadOnlySpan<byte> bytes)
    {
        Frames++;
        FrameDecoder.Decode(bytes, meta, out var layout);
        var slot = table.Observe(meta, layout, bytes);
        table.Advance(meta.TimestampNs);
        NoteCarrier(meta, layout, bytes);
        var isFragment = (layout.Flags & LayoutFlags.IsFragment) != 0;
        var isWhole = (layout.Flags & LayoutFlags.HasTransport) != 0 && layout.Verdict == DecodeVerdict.Transport;
        if (isFragment)
        {
            NoteFragment(table, slot, meta, layout, bytes);
        }
        else if (!isWhole && slot >= 0)
        {
            table.CopyRecord(slot, out var record);
            Subtract(record, DirectionOf(record, layout, bytes), meta.OriginalLength);
        }
    }

    private void NoteFragment(
        FlowTable<Collector> table, int slot, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> bytes)
    {
        var (source, destination) = Addresses(layout, bytes);
        var key = (source.Low ^ (source.High * 31), destination.Low ^ (destination.High * 17), layout.FragmentId);
        if (slot < 0)
        {
            if (!_early.TryGetValue(key, out var list))
            {
                _early[key] = list = [];
            }

            list.Add((0, meta.OriginalLength, meta.FrameNumber));
            return;
        }

        table.CopyRecord(slot, out var record);
        var direction = DirectionOf(record, layout, bytes);
        if (!_completing.Contains(meta.FrameNumber))
        {
            Subtract(record, direction, meta.OriginalLength);
        }

        if (_early.Remove(key, out var early))
        {
            foreach (var (_, length, number) in early.Where(e => !_completing.Contains(e.Number)))
            {
                Subtract(record, direction, length);
            }
        }
    }

    /// <summary>0 when the initiator sent the frame.</summary>
    private static int DirectionOf(in FlowRecord record, in FrameLayout layout, ReadOnlySpan<byte> bytes)
    {
        var (source, destination) = Addresses(layout, bytes);
        return source == destination
            ? layout.SourcePort == record.InitiatorPort ? 0 : 1
            : source == record.InitiatorIp ? 0 : 1;
    }

    private void Subtract(in FlowRecord record, int direction, long bytes)
    {
        if (!_adjustments.TryGetValue(record.FlowId, out var adjustment))
        {
            _adjustments[record.FlowId] = adjustment = new Conversation(default, default);
        }

        if (direction == 0)
        {
            adjustment.FramesA++;
            adjustment.BytesA += bytes;
        }
        else
        {
            adjustment.FramesB++;
            adjustment.BytesB += bytes;
        }
    }

    private void NoteCarrier(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> bytes)
    {
        if ((layout.Flags & LayoutFlags.Tunnelled) == 0 || layout.OuterIpVersion == 0
            || (layout.Flags & LayoutFlags.OuterFragment) != 0)
        {
            return;
        }

        var outer = bytes[layout.OuterNetworkOffset..];
        var isUdp = layout.OuterIpVersion == 4 ? outer[9] == 17 : outer[6] == 17;
        if (!isUdp)
        {
            return;
        }

        var header = layout.OuterIpVersion == 4 ? (outer[0] & 15) * 4 : 40;
        var source = layout.OuterIpVersion == 4
            ? IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(outer[12..]))
            : IpAddress16.FromIpv6(outer.Slice(8, 16));
        var destination = layout.OuterIpVersion == 4
            ? IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(outer[16..]))
            : IpAddress16.FromIpv6(outer.Slice(24, 16));
        var from = new Endpoint(source, BinaryPrimitives.ReadUInt16BigEndian(outer[header..]));
        var to = new Endpoint(destination, BinaryPrimitives.ReadUInt16BigEndian(outer[(header + 2)..]));
        var pair = from.CompareTo(to) <= 0 ? (from, to) : (to, from);
        if (!Carriers.TryGetValue(pair, out var conversation))
        {
            Carriers[pair] = conversation = new Conversation(pair.Item1, pair.Item2);
        }

        conversation.StartNs = Math.Min(conversation.StartNs, meta.TimestampNs);
        if (from == pair.Item1)
        {
            conversation.FramesA++;
            conversation.BytesA += meta.OriginalLength;
        }
        else
        {
            conversation.FramesB++;
            conversation.BytesB += meta.OriginalLength;
        }
    }

    private static (IpAddress16 Source, IpAddress16 Destination) Addresses(
        in FrameLayout layout, ReadOnlySpan<byte> bytes)
    {
        var network = layout.NetworkOffset;
        return layout.IpVersion switch
        {
            4 => (IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[(network + 12)..])),
                IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[(network + 16)..]))),
            6 => (IpAddress16.FromIpv6(bytes.Slice(network + 8, 16)), IpAddress16.FromIpv6(bytes.Slice(network + 24, 16))),
            _ => default,
        };
    }
}
