// The facts of one TCP segment that sequence analysis needs, read from the frame once.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Flows;

/// <summary>One segment. <see cref="PayloadLength"/> is what the original frame carried, captured or not.</summary>
internal struct TcpSegment
{
    public const int HeaderMin = 20;

    public long TimeNs;
    public uint Seq;
    public uint Ack;
    public uint PayloadLength;
    public ushort Window;
    public byte Flags;

    /// <summary>True for SYN, FIN and RST: segments that tell nothing of windows and keep-alives.</summary>
    public readonly bool IsControl => (Flags & (TcpFlag.Syn | TcpFlag.Fin | TcpFlag.Rst)) != 0;

    /// <summary>SYN and FIN take one number each in sequence space; together still one, as tshark counts.</summary>
    public readonly bool TakesNumber => (Flags & (TcpFlag.Syn | TcpFlag.Fin)) != 0;

    /// <summary>False when the header's fixed part is not in the captured bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, out TcpSegment segment)
    {
        int offset = layout.TransportOffset;
        if (frame.Length - offset < HeaderMin)
        {
            segment = default;
            return false;
        }

        var header = frame.Slice(offset, HeaderMin);
        segment.TimeNs = meta.TimestampNs;
        segment.Seq = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        segment.Ack = BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        segment.PayloadLength = PayloadLengthOf(meta, layout);
        segment.Window = BinaryPrimitives.ReadUInt16BigEndian(header[14..]);
        segment.Flags = layout.TcpFlags;
        return true;
    }

    /// <summary>Payload that the frame can have carried: an IP length beyond the frame's own end is a lie, unless the
    /// carrier was fragmented and the rest follows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint PayloadLengthOf(in FrameMeta meta, in FrameLayout layout)
    {
        var room = meta.OriginalLength - layout.PayloadOffset;
        var isOwn = layout.PayloadLength <= room || (layout.Flags & LayoutFlags.OuterFragment) != 0;
        return (uint)Math.Max(0, isOwn ? layout.PayloadLength : room);
    }
}
