// A session's shape on one worker. Two questions for each selected frame: is it taken at all (duplicates, sample, how
// much of its flow has left), and how does its copy look (headers off, payload masked, addresses replaced, link header
// rewritten). The order is fixed (docs/adr/0035-shape-order.md). In: borrowed bytes. Out: bytes in memory of its own,
// valid until the next frame, with facts and layout that describe them. One thread; allocates in the constructor only.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>Whether a frame is taken.</summary>
internal enum ShapeVerdict : byte
{
    Taken,
    Duplicate,
    SampledOut,

    /// <summary>So much of its flow has left as was wanted.</summary>
    FlowEnded,
}

/// <summary>Shapes the frames of one session on one worker. Owns its tables and memory.</summary>
internal sealed class FrameShaper : IDisposable
{
    private const int RoomInFront = 64;
    private const int EthernetBytes = 14;
    private const int Ipv4Bytes = 4;
    private const int Ipv6Bytes = 16;

    private readonly ShapePlan _plan;
    private readonly Deduplicator? _duplicates;
    private readonly FlowMemory? _flows;
    private readonly PayloadMask? _mask;
    private readonly AddressCipher? _addresses;
    private readonly NativeArray<byte>? _memory;
    private readonly FrameMap _map = new();
    private readonly bool _needsMap;
    private ulong _random;
    private uint _frames;
    private long _wholeFrames = long.MaxValue;
    private long _payloadBytes = long.MaxValue;
    private FlowMemoryEntry _noFlow;
    private int _flow;
    private bool _isReverse;

    public FrameShaper(ShapePlan plan)
    {
        _plan = plan;
        _duplicates = plan.DedupWindowNs > 0 ? new Deduplicator(plan) : null;
        _flows = plan.FollowsFlows ? new FlowMemory(plan.Seed) : null;
        _mask = plan.Mask is null ? null : new PayloadMask(plan.Mask);
        _addresses = plan.AddressKey is null ? null : new AddressCipher(plan.AddressKey, plan.KeepsSpecialAddresses);
        _memory = plan.Rewrites ? new NativeArray<byte>(RoomInFront + Limits.FrameBytesMax) : null;
        _needsMap = (plan.Strip & (StripHeaders.Tunnels | StripHeaders.Mpls)) != 0 || _mask is not null
            || _addresses is not null;
        _random = plan.Seed | 1;
    }

    /// <summary>The plan.</summary>
    public ShapePlan Plan => _plan;

    /// <summary>Frames and flows that were forgotten before their time because a table was full.</summary>
    public long Forgotten => (_duplicates?.Forgotten ?? 0) + (_flows?.Forgotten ?? 0);

    /// <summary>Whether the frame is taken. Asked once for each selected frame, in their order.</summary>
    public ShapeVerdict Admit(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (_duplicates is not null && _duplicates.IsCopy(meta, layout, frame))
        {
            return ShapeVerdict.Duplicate;
        }

        if (!IsInSample(layout, frame))
        {
            return ShapeVerdict.SampledOut;
        }

        if (_flows is null)
        {
            return ShapeVerdict.Taken;
        }

        _flow = _flows.Find(meta, layout, frame, out _isReverse);
        return CountFlow(meta, layout, ref _flows[_flow]) ? ShapeVerdict.Taken : ShapeVerdict.FlowEnded;
    }

    /// <summary>
    /// Makes the copy: <paramref name="frame"/>, its facts and its layout become those of the copy. False when what must
    /// be hidden cannot be found, or headers cannot be taken off: the frame must not leave. Called once, after Admit.
    /// </summary>
    public bool TryShape(ref FrameMeta meta, ref FrameLayout layout, ref ReadOnlySpan<byte> frame, out bool isMasked)
    {
        isMasked = false;
        if (!_plan.Rewrites || meta.LinkType != LinkType.Ethernet || frame.Length < EthernetBytes)
        {
            return true;
        }

        var length = Math.Min(frame.Length, Limits.FrameBytesMax);
        var room = _memory!.Span;
        var copy = room.Slice(RoomInFront, length);
        frame[..length].CopyTo(copy);
        if (_needsMap)
        {
            FrameMapper.Fill(copy, meta, layout, _map);
        }

        var start = RoomInFront;
        if (_plan.Strip != 0)
        {
            if (!HeaderStrip.TryApply(_plan.Strip, _map, ref meta, ref copy, out var stripped))
            {
                return false;
            }

            start += stripped;
            if (stripped != 0)
            {
                Describe(copy, ref meta, out layout);
            }
        }

        if (!TryHide(copy, layout, out isMasked))
        {
            return false;
        }

        LinkRewrite.Macs(_plan, copy);
        if (_plan.VlanTag != 0)
        {
            start -= LinkRewrite.TagBytes;
            copy = room.Slice(start, copy.Length + LinkRewrite.TagBytes);
            LinkRewrite.Tag(_plan.VlanTag, copy, ref meta);
            FrameDecoder.Decode(copy, meta, out layout);
        }

        frame = copy;
        return true;
    }

    /// <summary>How much of each of the copy's wire frames leaves.</summary>
    public SliceCut Cut(in FrameLayout layout, ReadOnlySpan<byte> frame) =>
        SliceCut.For(_plan, layout, frame, _wholeFrames, _payloadBytes);

    public void Dispose()
    {
        _duplicates?.Dispose();
        _flows?.Dispose();
        _mask?.Dispose();
        _addresses?.Dispose();
        _memory?.Dispose();
    }

    private void Describe(ReadOnlySpan<byte> copy, ref FrameMeta meta, out FrameLayout layout)
    {
        FrameDecoder.Decode(copy, meta, out layout);
        if (_mask is not null || _addresses is not null)
        {
            FrameMapper.Fill(copy, meta, layout, _map);
        }
    }

    private bool IsInSample(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        switch (_plan.SampleBy)
        {
            case SampleBy.Frame:
                _frames = _frames + 1 == _plan.SampleOneIn ? 0 : _frames + 1;
                return _frames == 0;
            case SampleBy.Random:
                // xorshift64*: the upper half decides.
                _random ^= _random >> 12;
                _random ^= _random << 25;
                _random ^= _random >> 27;
                return OneIn(_random * 0x2545_F491_4F6C_DD1D, _plan.SampleOneIn);
            case SampleBy.Flow:
                return OneIn(FlowMemory.KeyOf(layout, frame, _plan.Seed, out _), _plan.SampleOneIn);
            default:
                return true;
        }
    }

    // The upper 32 bits as a fraction of one.
    private static bool OneIn(ulong random, uint count) => (random >> 32) * count >> 32 == 0;

    // A super-frame counts as the wire frames that it stands for.
    private bool CountFlow(in FrameMeta meta, in FrameLayout layout, ref FlowMemoryEntry flow)
    {
        var frames = meta.GsoSize == 0 ? 1 : Math.Max(1, (layout.PayloadLength + meta.GsoSize - 1) / meta.GsoSize);
        _wholeFrames = _plan.FlowFrames == 0 ? long.MaxValue : Math.Max(0, _plan.FlowFrames - flow.Frames);
        _payloadBytes = _plan.FlowBytes == 0 ? long.MaxValue : Math.Max(0, _plan.FlowBytes - flow.PayloadBytes);
        flow.Frames += frames;
        flow.PayloadBytes += layout.PayloadLength;
        return !_plan.FlowRestIsFiltered || (_wholeFrames > 0 && _payloadBytes > 0);
    }

    private bool TryHide(Span<byte> copy, in FrameLayout layout, out bool isMasked)
    {
        isMasked = false;
        if (_mask is null && _addresses is null)
        {
            return true;
        }

        if (_map.IsFull || IsUnread(layout) || (_addresses is not null && (_map.HidesAddress || HidesAddresses(layout))))
        {
            return false;
        }

        var patch = new FramePatch(copy, _map);
        if (_mask is not null)
        {
            isMasked = _mask.Apply(patch, layout, ref _flows is null ? ref _noFlow : ref _flows[_flow], _isReverse);
        }

        if (_addresses is not null)
        {
            ReplaceAddresses(patch);
        }

        patch.Finish();
        return true;
    }

    // What is announced as IP and cannot be read: where its addresses and its payload lie is not known.
    private static bool IsUnread(in FrameLayout layout) =>
        layout.IpVersion == 0 && layout.Verdict is not DecodeVerdict.Link;

    // Where a header inside is broken or too deep, an address may stand in what could not be read.
    private static bool HidesAddresses(in FrameLayout layout) => layout.Verdict == DecodeVerdict.TooDeep
        || (layout.Flags & LayoutFlags.TunnelBroken) != 0;

    private void ReplaceAddresses(in FramePatch patch)
    {
        Span<byte> hidden = stackalloc byte[Ipv6Bytes];
        foreach (var spot in _map.Addresses)
        {
            var address = patch.Frame.Slice(spot.Offset, spot.Bytes);
            hidden.Clear();
            address.CopyTo(hidden);
            if (spot.Bytes == Ipv4Bytes)
            {
                BinaryPrimitives.WriteUInt32BigEndian(hidden,
                    _addresses!.Hide(BinaryPrimitives.ReadUInt32BigEndian(hidden)));
            }
            else
            {
                BinaryPrimitives.WriteUInt128BigEndian(hidden,
                    _addresses!.Hide(BinaryPrimitives.ReadUInt128BigEndian(hidden)));
            }

            patch.Write(spot.Offset, hidden[..spot.Bytes]);
        }
    }
}
