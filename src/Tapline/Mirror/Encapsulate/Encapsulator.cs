// What stands before every copy of one target: UDP where the tunnel has it, then the tunnel's own header. In: a target, facts
// of a captured frame, then each of its wire frames. Out: header bytes before the frame, in the sender's memory. One worker;
// the sequence is shared.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes a target's headers.</summary>
internal sealed class Encapsulator
{
    private const int TypeOffset = 12;
    private const int EthernetHeaderBytes = 14;
    private const ushort CustomerTag = 0x8100;
    private const ushort ServiceTag = 0x88A8;

    private readonly TunnelTarget _target;
    private readonly TunnelSequence _sequence;
    private readonly int _udpBytes;
    private ushort _sourcePort;
    private ushort _pointId;
    private bool _isEgress;
    private long _timestampNs;

    /// <summary>Headers for a target; <paramref name="sequence"/> is that of all its workers.</summary>
    public Encapsulator(TunnelTarget target, TunnelSequence sequence)
    {
        _target = target;
        _sequence = sequence;
        _udpBytes = target.IsUdp ? UdpHeader.Bytes : 0;
        HeaderBytes = _udpBytes + TunnelBytes(target);
    }

    /// <summary>Bytes between the IP header and the frame.</summary>
    public int HeaderBytes { get; }

    /// <summary>Notes the captured frame whose wire frames follow.</summary>
    public void Begin(in FrameMeta meta, in FrameLayout layout)
    {
        _sourcePort = UdpHeader.SourcePort(FlowHash(layout));
        _pointId = meta.PointId;
        _isEgress = (meta.Flags & FrameFlags.FromHost) != 0;
        _timestampNs = meta.TimestampNs;
    }

    /// <summary>
    /// Writes the headers into the first <see cref="HeaderBytes"/> of <paramref name="packet"/>; the frame follows there.
    /// </summary>
    public void Write(Span<byte> packet, bool isTruncated)
    {
        var frame = packet[HeaderBytes..];
        if (_udpBytes > 0)
        {
            UdpHeader.Write(packet, _sourcePort, (ushort)_target.Port, packet.Length);
        }

        var to = packet[_udpBytes..];
        switch (_target.Format)
        {
            case TunnelFormat.Vxlan:
                VxlanHeader.Write(to, (uint)_target.Id);
                break;
            case TunnelFormat.Geneve:
                GeneveHeader.Write(to, (uint)_target.Id);
                break;
            case TunnelFormat.Gre when _target.Id >= 0:
                GreHeader.WriteKeyed(to, GreHeader.TransparentEthernet, (uint)_target.Id);
                break;
            case TunnelFormat.Gre:
                GreHeader.Write(to, GreHeader.TransparentEthernet);
                break;
            case TunnelFormat.Tzsp:
                TzspHeader.Write(to);
                break;
            default:
                WriteErspan(to, frame, isTruncated);
                break;
        }
    }

    private static int TunnelBytes(TunnelTarget target) => target.Format switch
    {
        TunnelFormat.Vxlan => VxlanHeader.Bytes,
        TunnelFormat.Geneve => GeneveHeader.Bytes,
        TunnelFormat.Gre => target.Id >= 0 ? GreHeader.WithFieldBytes : GreHeader.Bytes,
        TunnelFormat.Tzsp => TzspHeader.Bytes,
        _ => target.ErspanType switch
        {
            1 => ErspanHeader.OneBytes,
            2 => ErspanHeader.TwoBytes,
            _ => ErspanHeader.ThreeBytes + (target.HasSubheader ? ErspanHeader.SubheaderBytes : 0),
        },
    };

    // Symmetric: both directions of a conversation take the same lane. Fragments have no ports but the first, so all of them
    // go by addresses alone.
    private static uint FlowHash(in FrameLayout layout)
    {
        var hasPorts = (layout.Flags & (LayoutFlags.HasTransport | LayoutFlags.IsFragment)) == LayoutFlags.HasTransport
            && layout.IpProtocol is IpProtocols.Tcp or IpProtocols.Udp or IpProtocols.Sctp;
        return hasPorts
            ? layout.AddressHash + ((uint)(layout.SourcePort ^ layout.DestinationPort) * 0x85EB_CA6Bu)
            : layout.AddressHash;
    }

    private void WriteErspan(Span<byte> to, ReadOnlySpan<byte> frame, bool isTruncated)
    {
        if (_target.ErspanType == 1)
        {
            ErspanHeader.WriteOne(to);
            return;
        }

        var isTagged = frame.Length >= EthernetHeaderBytes + 2
            && BinaryPrimitives.ReadUInt16BigEndian(frame[TypeOffset..]) is CustomerTag or ServiceTag;
        var facts = new ErspanFacts
        {
            SessionId = (ushort)_target.Id,
            Sequence = _sequence.Next(),
            IsTagged = isTagged,
            Tag = isTagged ? BinaryPrimitives.ReadUInt16BigEndian(frame[EthernetHeaderBytes..]) : (ushort)0,
            IsTruncated = isTruncated,
            PointId = _pointId,
            IsEgress = _isEgress,
            TimestampNs = _timestampNs,
        };
        if (_target.ErspanType == 2)
        {
            ErspanHeader.WriteTwo(to, facts);
        }
        else
        {
            ErspanHeader.WriteThree(to, facts, _target.HasSubheader);
        }
    }
}
