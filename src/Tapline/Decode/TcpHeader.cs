// A TCP header (RFC 9293) as a view: one length check when it is made, then reads that cannot fail. Borrows the frame's
// span, never outlives the call, any thread. Options may be cut by the capture; what is there is read.
using System.Buffers.Binary;

namespace Tapline.Decode;

/// <summary>The TCP header of a decoded frame.</summary>
public readonly ref struct TcpHeader
{
    private const int FixedLength = 20;
    private readonly ReadOnlySpan<byte> _header;

    private TcpHeader(ReadOnlySpan<byte> header) => _header = header;

    public uint SequenceNumber => BinaryPrimitives.ReadUInt32BigEndian(_header[4..]);

    public uint AcknowledgementNumber => BinaryPrimitives.ReadUInt32BigEndian(_header[8..]);

    /// <summary>The window field, not scaled.</summary>
    public ushort Window => BinaryPrimitives.ReadUInt16BigEndian(_header[14..]);

    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_header[16..]);

    public ushort UrgentPointer => BinaryPrimitives.ReadUInt16BigEndian(_header[18..]);

    /// <summary>The option bytes that were captured.</summary>
    public ReadOnlySpan<byte> OptionBytes => _header[FixedLength..];

    /// <summary>False when the frame has no whole, sound TCP header.</summary>
    public static bool TryRead(ReadOnlySpan<byte> frame, in FrameLayout layout, out TcpHeader header)
    {
        if (layout.IpProtocol != IpProtocols.Tcp || (layout.Flags & LayoutFlags.HasTransport) == 0)
        {
            header = default;
            return false;
        }

        var end = Math.Min(frame.Length, layout.TransportOffset + layout.TransportHeaderLength);
        header = new TcpHeader(frame[layout.TransportOffset..end]);
        return true;
    }

    /// <summary>Reads the options once.</summary>
    public TcpOptionSet ReadOptions() => TcpOptionSet.Read(OptionBytes);
}
