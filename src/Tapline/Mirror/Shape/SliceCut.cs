// How much of each wire frame leaves: decided once for a captured frame, asked for each of its wire frames. Slicing
// comes after re-segmentation, so that "64 bytes behind the transport header" holds for every segment that a super-frame
// becomes. Pure.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>The slice of one captured frame.</summary>
internal struct SliceCut
{
    private const int EthernetBytes = 14;

    private int _bytes;
    private int _headers;
    private bool _countsFromLayer;
    private long _wholeFrames;
    private long _payloadBytes;

    /// <summary>A cut that keeps so many bytes of each wire frame.</summary>
    public static SliceCut Of(int bytes) => new()
    {
        _bytes = bytes,
        _headers = bytes,
        _wholeFrames = long.MaxValue,
        _payloadBytes = long.MaxValue,
    };

    /// <summary>The cut that the plan wants for this frame.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="layout">Of the frame as it leaves.</param>
    /// <param name="frame">Its bytes.</param>
    /// <param name="wholeFrames">Wire frames of the flow that are still kept whole.</param>
    /// <param name="payloadBytes">Payload bytes of the flow that are still kept.</param>
    public static SliceCut For(
        ShapePlan plan, in FrameLayout layout, ReadOnlySpan<byte> frame, long wholeFrames, long payloadBytes)
    {
        var cut = Of(int.MaxValue);
        if (plan.SliceBytes >= 0)
        {
            cut._bytes = Math.Max(EthernetBytes, Offset(plan.SliceFrom, layout, frame) + plan.SliceBytes);
            cut._countsFromLayer = plan.SliceFrom != SliceFrom.Frame;
        }

        cut._headers = Math.Max(EthernetBytes, Offset(SliceFrom.Transport, layout, frame));
        cut._wholeFrames = wholeFrames;
        cut._payloadBytes = payloadBytes;
        return cut;
    }

    /// <summary>Headers in the wire frames are longer by so much than in the captured frame.</summary>
    public void ShiftHeaders(int bytes)
    {
        _headers += _headers < int.MaxValue / 2 ? bytes : 0;
        _bytes += _countsFromLayer ? bytes : 0;
    }

    /// <summary>Never more than so many bytes.</summary>
    public void Limit(int bytes) => _bytes = Math.Min(_bytes, bytes);

    /// <summary>
    /// Bytes kept of the wire frame of that index, when each before it carries so many bytes of payload. Never more than
    /// of an earlier one.
    /// </summary>
    public readonly int Keep(int index, int segmentBytes)
    {
        var keep = _bytes;
        if (index >= _wholeFrames)
        {
            keep = Math.Min(keep, _headers);
        }

        if (_payloadBytes != long.MaxValue)
        {
            var left = Math.Clamp(_payloadBytes - ((long)index * segmentBytes), 0, Limits.FrameBytesMax);
            keep = (int)Math.Min(keep, (long)_headers + left);
        }

        return keep;
    }

    /// <summary>Bits that the plan's wire frames have on the wire, without FCS.</summary>
    public readonly long WireBits(in WirePlan plan)
    {
        long bytes = 0;
        for (var i = 0; i < plan.Count; i++)
        {
            var isLast = i == plan.Count - 1 && plan.Count > 1;
            var length = isLast
                ? plan.LongestBytes - plan.SegmentBytes + plan.FrameBytes - plan.Payload - (i * plan.SegmentBytes)
                : plan.LongestBytes;
            bytes += Math.Min(length, Keep(i, plan.SegmentBytes));
        }

        return bytes * 8;
    }

    // A frame that ends at a lower layer counts from there.
    private static int Offset(SliceFrom from, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (from == SliceFrom.Frame)
        {
            return 0;
        }

        if (from == SliceFrom.Transport && (layout.Flags & LayoutFlags.HasTransport) != 0)
        {
            return layout.TransportOffset + Math.Max(8, (int)layout.TransportHeaderLength);
        }

        if (from != SliceFrom.Link && layout.IpVersion != 0)
        {
            return Math.Max(layout.TransportOffset, layout.NetworkOffset + (layout.IpVersion == 4 ? 20 : 40));
        }

        if (from != SliceFrom.Link && layout.NetworkOffset != 0)
        {
            return layout.NetworkOffset;
        }

        var offset = EthernetBytes;
        for (var tags = 0; tags < Limits.HeaderChainMax && offset + 4 <= frame.Length
            && EtherTypes.IsVlan(BinaryPrimitives.ReadUInt16BigEndian(frame[(offset - 2)..])); tags++)
        {
            offset += 4;
        }

        return offset;
    }
}
