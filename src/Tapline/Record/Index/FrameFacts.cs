// The heads of all frames of one flow in one segment, as small sets: which MAC addresses, points, VLAN stacks, networks and, for
// frames in tunnels, which outer addresses and ports occurred. A flow's record says most of it; what it does not say
// goes into columns of its own. A flow that shows more than these hold gets another row. Plain data in native memory, filled by the
// worker's thread, settled by whoever writes the index.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Sets of facts of one flow; zeroed = nothing seen yet.</summary>
internal struct FrameFacts
{
    private const int MacsMax = 4;
    private const int AddressesMax = 2;
    private const int PortsMax = 3;
    private const int PointsMax = 2;
    private Macs _macs;
    private Addresses _addresses;
    private ulong _vlans;
    private uint _network;
    private Points _points;
    private Ports _ports;
    private byte _macCount;
    private byte _addressCount;
    private byte _pointCount;
    private byte _portCount;
    private TunnelKind _tunnel;
    private byte _frames;
    private bool _isUnknown;
    private FrameMarks _marks;

    private const byte HasPlain = 1;
    private const byte HasTunnelled = 2;

    /// <summary>A frame whose head could not be told belongs to the flow.</summary>
    public void NoteUnknown() => _isUnknown = true;

    /// <summary>Takes in a frame whose head was not shown lately; false when the row has no room for what it shows.</summary>
    public bool TryNote(in FrameHead head)
    {
        var with = this;
        with.Note(head);
        if (with._isUnknown && _frames != 0)
        {
            return _isUnknown;
        }

        this = with;
        return true;
    }

    private void Note(in FrameHead head)
    {
        AddMac(head.SourceMac);
        AddMac(head.DestinationMac);
        AddMac(head.InnerSourceMac);
        AddMac(head.InnerDestinationMac);
        _isUnknown |= (_frames != 0 && _vlans != head.Vlans) || !TryAddPoint(head.PointId);
        _vlans = head.Vlans;
        _marks |= head.IsTagged ? FrameMarks.Tagged : 0;
        _marks |= head.EtherType switch
        {
            0x0800 => FrameMarks.Ip4,
            0x86dd => FrameMarks.Ip6,
            0x0806 or 0x8035 => FrameMarks.Arp,
            _ => FrameMarks.OtherType,
        };
        _marks |= !head.HasIp ? 0 : head.IpProtocol switch
        {
            (byte)FlowProtocol.Tcp => FrameMarks.Tcp,
            (byte)FlowProtocol.Udp => FrameMarks.Udp,
            (byte)FlowProtocol.Sctp => FrameMarks.Sctp,
            _ => FrameMarks.OtherProtocol,
        };
        _isUnknown |= (_frames & (head.Tunnel == TunnelKind.None ? HasTunnelled : HasPlain)) != 0;
        if (head.Tunnel == TunnelKind.None)
        {
            _frames |= HasPlain;
            return;
        }

        // The flow itself tells the addresses of frames that are not in a tunnel.
        _isUnknown |= (_frames & HasTunnelled) != 0 && (_tunnel != head.Tunnel || _network != head.Vni);
        _frames |= HasTunnelled;
        (_tunnel, _network) = (head.Tunnel, head.Vni);
        _marks |= FrameMarks.Tunnelled;
        AddAddress(head, head.SourceIp);
        AddAddress(head, head.DestinationIp);
        if (head.IsPorted)
        {
            AddPort(head.SourcePort);
            AddPort(head.DestinationPort);
        }
    }

    /// <summary>The flow's record is known: what it does not say itself.</summary>
    public readonly FrameExtras Settle(in FlowRecord record)
    {
        var extras = new FrameExtras { Point = ushort.MaxValue };
        var isTunnelled = (_frames & HasTunnelled) != 0;

        // Labels of MPLS are no tunnel of a flow's own: some of its frames may have them, others not.
        var isOther = isTunnelled
            ? _tunnel != record.Tunnel && _tunnel != TunnelKind.Mpls
            : record.Tunnel is not (TunnelKind.None or TunnelKind.Mpls);
        if (_isUnknown || _frames == 0 || isOther)
        {
            return extras;
        }

        var isKnown = true;
        for (var i = 0; i < _macCount; i++)
        {
            if (_macs[i] != record.InitiatorMac && _macs[i] != record.ResponderMac)
            {
                isKnown &= TryPut(ref extras.Mac1, ref extras.Mac2, _macs[i]);
            }
        }

        for (var i = 0; i < _addressCount; i++)
        {
            isKnown &= TryPut(ref extras.Address1, ref extras.Address2, _addresses[i], record.OuterResponderIp);
        }

        for (var i = 0; i < _pointCount; i++)
        {
            if (_points[i] != record.InitiatorPoint && _points[i] != record.ResponderPoint)
            {
                isKnown &= extras.Point == ushort.MaxValue && _points[i] != ushort.MaxValue;
                extras.Point = _points[i];
            }
        }

        extras.Vlans = _vlans != Vlans(record) ? _vlans : 0;
        extras.Vni = isTunnelled && _network != record.Vni ? _network : 0;
        (extras.Port1, extras.Port2, extras.Port3) = (_ports[0], _ports[1], _ports[2]);

        // Of frames outside of tunnels the flow's own protocol says these.
        var kept = isTunnelled || record.Protocol == IndexProtocol.Loose
            ? _marks : _marks & (FrameMarks.Tagged | FrameMarks.Tunnelled);
        return isKnown ? extras with { Marks = kept | FrameMarks.Known } : new FrameExtras { Point = ushort.MaxValue };
    }

    private static ulong Vlans(in FlowRecord record) => (ulong)FlowFields.Get(record, IndexColumn.Vlans);

    private void AddMac(ulong mac)
    {
        if (mac == 0)
        {
            return;
        }

        for (var i = 0; i < _macCount; i++)
        {
            if (_macs[i] == mac)
            {
                return;
            }
        }

        if (_macCount == MacsMax)
        {
            _isUnknown = true;
            return;
        }

        _macs[_macCount++] = mac;
    }

    private void AddAddress(in FrameHead head, IpAddress16 address)
    {
        if (!head.HasIp)
        {
            return;
        }

        for (var i = 0; i < _addressCount; i++)
        {
            if (_addresses[i] == address)
            {
                return;
            }
        }

        // Places of addresses have no number for "::".
        if (_addressCount == AddressesMax || address.IsNone)
        {
            _isUnknown = true;
            return;
        }

        _addresses[_addressCount++] = address;
    }

    // "None" and port 0 are one.
    private void AddPort(ushort port)
    {
        for (var i = 0; i < _portCount; i++)
        {
            if (_ports[i] == port)
            {
                return;
            }
        }

        if (_portCount == PortsMax)
        {
            _isUnknown = true;
            return;
        }

        _ports[_portCount++] = port;
    }

    private bool TryAddPoint(ushort point)
    {
        for (var i = 0; i < _pointCount; i++)
        {
            if (_points[i] == point)
            {
                return true;
            }
        }

        if (_pointCount == PointsMax)
        {
            return false;
        }

        _points[_pointCount++] = point;
        return true;
    }

    private static bool TryPut(ref ulong first, ref ulong second, ulong value)
    {
        if (first == 0)
        {
            first = value;
            return true;
        }

        var isFree = second == 0;
        second = value;
        return isFree;
    }

    // The place of the responder's is the second, so that both are guessed from the record.
    private static bool TryPut(ref IpAddress16 first, ref IpAddress16 second, IpAddress16 value, IpAddress16 responder)
    {
        ref var one = ref value == responder ? ref second : ref first;
        ref var other = ref value == responder ? ref first : ref second;
        ref var free = ref one.IsNone ? ref one : ref other;
        var isFree = free.IsNone;
        free = value;
        return isFree;
    }

    [InlineArray(MacsMax)]
    private struct Macs
    {
        private ulong _first;
    }

    [InlineArray(AddressesMax)]
    private struct Addresses
    {
        private IpAddress16 _first;
    }

    [InlineArray(4)]
    private struct Points
    {
        private ushort _first;
    }

    [InlineArray(4)]
    private struct Ports
    {
        private ushort _first;
    }
}
