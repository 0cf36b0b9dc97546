// The slow, naive evaluator: it walks the tree for each frame and reads the headers itself, with nothing in between and
// nothing shared with the back ends. Ethernet only. A byte that is not there ends the whole judgement with "no".
//
// It is as libpcap without its optimiser: nothing is left unread that an expression names and that short-circuiting reaches.
using System.Buffers.Binary;
using Tapline.Filter;
using Tapline.Filter.Tree;

namespace Tapline.Tests.Filter.Witness;

/// <summary>Judges one frame at a time.</summary>
internal sealed class FilterOracle
{
    private readonly Func<bool> _root;
    private byte[] _frame = [];
    private int _count;
    private uint _length;

    // Where the text stands: each primitive is bound to the headers as they are where it stands.
    private Func<uint> _link = () => 0;
    private Func<uint> _type = () => 12;
    private Func<uint> _payload = () => 14;
    private uint _network;
    private uint _llcNetwork = 3;
    private int _labels;
    private bool _isPpp;
    private bool _isGeneve;

    public FilterOracle(FilterTree tree) => _root = Build(tree.Root!);

    public bool Judge(ReadOnlySpan<byte> frame, uint length)
    {
        if (_frame.Length < frame.Length)
        {
            _frame = new byte[frame.Length];
        }

        frame.CopyTo(_frame);
        (_count, _length) = (frame.Length, length);
        try
        {
            return _root();
        }
        catch (MissingBytesException)
        {
            return false;
        }
    }

    private Func<bool> Build(FilterNode node)
    {
        switch (node)
        {
            case FilterNode.And and:
                var (l, r) = (Build(and.Left), Build(and.Right));
                return () => l() && r();
            case FilterNode.Or or:
                var (a, b) = (Build(or.Left), Build(or.Right));
                return () => a() || b();
            case FilterNode.Not not:
                var operand = Build(not.Operand);
                return () => !operand();
            case FilterNode.Protocol protocol:
                return Word(protocol.Word);
            case FilterNode.ProtocolNumber number:
                return Number(number.Qualifier, number.Number);
            case FilterNode.Host4 host:
                return Host4(host);
            case FilterNode.Host6 host:
                return Ends(host.Direction, isSource => Both(Carries(0x86dd), Words6(isSource ? 8u : 24, host.Address, host.Mask)));
            case FilterNode.Mac mac:
                return BehindGeneve(Ends(mac.Direction, isSource => MacIs(isSource ? 6u : 0, mac.Address)));
            case FilterNode.Broadcast:
                return BehindGeneve(MacIs(0, 0xffff_ffff_ffff));
            case FilterNode.Multicast multicast:
                var link = _link;
                return multicast.Qualifier switch
                {
                    ProtocolWord.Ip => Both(Carries(0x800), Is(Net(16, 1), v => v >= 224)),
                    ProtocolWord.Ip6 => Both(Carries(0x86dd), Is(Net(24, 1), v => v == 255)),
                    _ => BehindGeneve(() => (Read(link(), 1) & 1) != 0),
                };
            case FilterNode.Port port:
                return Port(port);
            case FilterNode.Vlan vlan:
                return Vlan(vlan);
            case FilterNode.Mpls mpls:
                return Mpls(mpls);
            case FilterNode.PppoeDiscovery:
                return Carries(0x8863);
            case FilterNode.PppoeSession session:
                return Session(session);
            case FilterNode.Geneve geneve:
                return Geneve(geneve);
            case FilterNode.Llc llc:
                return Llc(llc.Kind);
            case FilterNode.Relation relation:
                var (left, leftCheck) = Value(relation.Left);
                var (right, rightCheck) = Value(relation.Right);
                return Both(Both(leftCheck, rightCheck), () =>
                {
                    var value = left();
                    return Calculation.Holds(relation.Comparison, value, right());
                });
            default:
                throw new NotSupportedException(node.ToString());
        }
    }

    private uint Read(ulong at, int size)
    {
        if (at + (uint)size > (ulong)_count)
        {
            throw new MissingBytesException();
        }

        var bytes = _frame.AsSpan((int)at, size);
        return size switch
        {
            1 => bytes[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes),
            _ => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        };
    }

    private Func<uint> Net(int offset, int size)
    {
        var (payload, network) = (_payload, _network);
        return () => Read(payload() + network + (ulong)offset, size);
    }

    private Func<uint> Behind4(uint offset, int size)
    {
        var (payload, network) = (_payload, _network);
        return () => Read(payload() + network + ((Read(payload() + network, 1) & 15) * 4) + (ulong)offset, size);
    }

    private static Func<bool> Is(Func<uint> value, Func<uint, bool> holds) => () => holds(value());

    private static Func<bool> Both(Func<bool>? first, Func<bool>? second) =>
        first is null ? second! : second is null ? first : () => first() && second();

    private static Func<bool> Ends(Direction direction, Func<bool, Func<bool>> at)
    {
        var (source, destination) = (at(true), at(false));
        return direction switch
        {
            Direction.Source => source,
            Direction.Destination => destination,
            Direction.Both => () => source() && destination(),
            _ => () => source() || destination(),
        };
    }

    // What the frame says that it carries.
    private Func<bool> Carries(uint type)
    {
        if (_labels > 0)
        {
            var bottom = Net(-2, 1);
            var version = Net(0, 1);
            return () => (bottom() & 1) == 1 && version() >> 4 == (type == 0x800 ? 4u : 6u);
        }

        var (at, payload) = (_type, _payload);
        if (_isPpp)
        {
            var number = type switch
            {
                0x800 => 0x21u,
                0x86dd => 0x57u,
                0xfe => 0x23u,
                0x42 => 0x31u,
                0xe0 => 0x2bu,
                0x809b => 0x29u,
                0x6003 => 0x27u,
                _ => type,
            };
            return () => Read(at(), 2) == number;
        }

        return () =>
        {
            var field = Read(at(), 2);
            switch (type)
            {
                case 0xfe or 0x06 or 0xf0:
                    return field <= 1500 && Read(payload(), 2) == type * 0x101;
                case 0xe0:
                    return field == 0x8137 || (field <= 1500
                        && (IsSnap(payload(), 0, 0x8137) || Read(payload(), 1) == 0xe0 || Read(payload(), 2) == 0xffff));
                case 0x809b:
                    return field == type || (field <= 1500 && IsSnap(payload(), 0x080007, type));
                case 0x80f3:
                    return field == type || (field <= 1500 && IsSnap(payload(), 0, type));
                default:
                    return type > 1500 ? field == type : field <= 1500 && Read(at() + 2ul, 1) == type;
            }
        };
    }

    private bool IsSnap(uint at, uint organisation, uint type)
    {
        // The last bytes are looked at first, and the others only when they fit.
        if (Read(at + 4ul, 4) != (((organisation & 0xffff) << 16) | type))
        {
            return false;
        }

        return Read(at, 4) == (0xaaaa0300 | (organisation >> 16));
    }

    private Func<bool> Word(ProtocolWord word) => word switch
    {
        ProtocolWord.Ip => Carries(0x800),
        ProtocolWord.Ip6 => Carries(0x86dd),
        ProtocolWord.Arp => Carries(0x806),
        ProtocolWord.Rarp => Carries(0x8035),
        ProtocolWord.Tcp => Number(ProtocolWord.None, 6),
        ProtocolWord.Udp => Number(ProtocolWord.None, 17),
        ProtocolWord.Sctp => Number(ProtocolWord.None, 132),
        ProtocolWord.Pim => Number(ProtocolWord.None, 103),
        ProtocolWord.Ah => Number(ProtocolWord.None, 51),
        ProtocolWord.Esp => Number(ProtocolWord.None, 50),
        ProtocolWord.Icmp => Number(ProtocolWord.Ip, 1),
        ProtocolWord.Igmp => Number(ProtocolWord.Ip, 2),
        ProtocolWord.Igrp => Number(ProtocolWord.Ip, 9),
        ProtocolWord.Vrrp or ProtocolWord.Carp => Number(ProtocolWord.Ip, 112),
        ProtocolWord.Icmp6 => Number(ProtocolWord.Ip6, 58),
        ProtocolWord.Atalk => Carries(0x809b),
        ProtocolWord.Aarp => Carries(0x80f3),
        ProtocolWord.Decnet => Carries(0x6003),
        ProtocolWord.Lat => Carries(0x6004),
        ProtocolWord.Sca => Carries(0x6007),
        ProtocolWord.Moprc => Carries(0x6002),
        ProtocolWord.Mopdl => Carries(0x6001),
        ProtocolWord.Stp => Carries(0x42),
        ProtocolWord.Ipx => Carries(0xe0),
        ProtocolWord.Netbeui => Carries(0xf0),
        ProtocolWord.Iso => Carries(0xfe),
        ProtocolWord.Clnp => Number(ProtocolWord.Iso, 0x81),
        ProtocolWord.Esis => Number(ProtocolWord.Iso, 0x82),
        ProtocolWord.Isis => Number(ProtocolWord.Iso, 0x83),
        ProtocolWord.IsisL1 => Isis(15, 17, 18, 24, 26),
        ProtocolWord.IsisL2 => Isis(16, 17, 20, 25, 27),
        ProtocolWord.IsisIih => Isis(15, 16, 17),
        ProtocolWord.IsisLsp => Isis(18, 20),
        ProtocolWord.IsisSnp => Isis(24, 25, 26, 27),
        ProtocolWord.IsisCsnp => Isis(24, 25),
        ProtocolWord.IsisPsnp => Isis(26, 27),
        _ => throw new NotSupportedException(word.ToString()),
    };

    private Func<bool> Isis(params uint[] types)
    {
        var (payload, network) = (_payload, _llcNetwork);
        return Both(Number(ProtocolWord.Iso, 0x83), () => types.Contains(Read(payload() + network + 4ul, 1)));
    }

    private Func<bool> Number(ProtocolWord qualifier, uint number)
    {
        var (payload, llcNetwork) = (_payload, _llcNetwork);
        switch (qualifier)
        {
            case ProtocolWord.None:
                var (ip, ip6) = (Number(ProtocolWord.Ip, number), Number(ProtocolWord.Ip6, number));
                return () => ip() || ip6();
            case ProtocolWord.Ether:
                return Carries(number);
            case ProtocolWord.Ip:
                return Both(Carries(0x800), Is(Net(9, 1), v => v == number));
            case ProtocolWord.Ip6:
                var (next, behind) = (Net(6, 1), Net(40, 1));
                return Both(Carries(0x86dd), () => next() == number || (next() == 44 && behind() == number));
            case ProtocolWord.Iso:
                return Both(Carries(0xfe), () => Read(payload() + (ulong)llcNetwork, 1) == number);
            default:
                return Isis(number);
        }
    }

    private Func<bool> Host4(FilterNode.Host4 host)
    {
        Func<bool> Of(uint type, int source, int destination) => Ends(host.Direction, isSource =>
            Both(Carries(type), Is(Net(isSource ? source : destination, 4), v => (v & host.Mask) == host.Address)));
        switch (host.Qualifier)
        {
            case ProtocolWord.Ip:
                return Of(0x800, 12, 16);
            case ProtocolWord.Arp:
                return Of(0x806, 14, 24);
            case ProtocolWord.Rarp:
                return Of(0x8035, 14, 24);
            default:
                var ip = Of(0x800, 12, 16);
                if (_labels > 0)
                {
                    return ip;
                }

                var (arp, rarp) = (Of(0x806, 14, 24), Of(0x8035, 14, 24));
                return () => ip() || arp() || rarp();
        }
    }

    private Func<bool> Words6(uint offset, UInt128 address, UInt128 mask)
    {
        var (payload, network) = (_payload, _network);
        return () =>
        {
            for (var word = 0; word < 4; word++)
            {
                var shift = 96 - (32 * word);
                var value = Read(payload() + network + (ulong)offset + (4 * (uint)word), 4);
                if ((value & (uint)(mask >> shift)) != (uint)(address >> shift))
                {
                    return false;
                }
            }

            return true;
        };
    }

    private Func<bool> MacIs(uint offset, ulong address)
    {
        var link = _link;
        return () => Read(link() + offset + 2ul, 4) == (uint)address && Read(link() + (ulong)offset, 2) == (uint)(address >> 32);
    }

    private Func<bool> BehindGeneve(Func<bool> condition)
    {
        var (link, payload) = (_link, _payload);
        return !_isGeneve ? condition : () => link() != payload() && condition();
    }

    private Func<bool> Port(FilterNode.Port port)
    {
        uint[] protocols = port.Qualifier switch
        {
            ProtocolWord.Tcp => [6],
            ProtocolWord.Udp => [17],
            ProtocolWord.Sctp => [132],
            _ => [6, 17, 132],
        };
        bool Fits(uint value) => value >= port.Low && value <= port.High;
        var (next, protocol, fragment) = (Net(6, 1), Net(9, 1), Net(6, 2));
        var ports6 = Ends(port.Direction, isSource => Is(Net(isSource ? 40 : 42, 2), Fits));
        var ports4 = Ends(port.Direction, isSource => Is(Behind4(isSource ? 0u : 2, 2), Fits));
        var ip6 = Both(Carries(0x86dd), () => protocols.Contains(next()) && ports6());
        var ip4 = Both(Carries(0x800), () => protocols.Contains(protocol()) && (fragment() & 0x1fff) == 0 && ports4());
        return () => ip6() || ip4();
    }

    private Func<bool> Vlan(FilterNode.Vlan vlan)
    {
        var (customer, service, old) = (Carries(0x8100), Carries(0x88a8), Carries(0x9100));
        var tag = Net(0, 2);
        var (type, payload) = (_type, _payload);
        (_type, _payload) = (() => type() + 4, () => payload() + 4);
        return () => (customer() || service() || old()) && (vlan.Id is null || (tag() & 0xfff) == vlan.Id);
    }

    private Func<bool> Mpls(FilterNode.Mpls mpls)
    {
        var isLabelled = _labels > 0 ? Is(Net(-2, 1), v => (v & 1) == 0) : Carries(_isPpp ? 0x281u : 0x8847);
        var label = Net(0, 4);
        _network += 4;
        _llcNetwork += 4;
        _labels++;
        return () => isLabelled() && (mpls.Label is null || label() >> 12 == mpls.Label);
    }

    private Func<bool> Session(FilterNode.PppoeSession session)
    {
        var isSession = Carries(0x8864);
        var number = Net(0, 4);
        var (payload, network) = (_payload, _network);
        _link = _type = () => payload() + network + 6;
        _payload = () => payload() + network + 8;
        (_network, _llcNetwork, _isPpp, _isGeneve) = (0, 0, true, false);
        return () => isSession() && (session.Session is null || (number() & 0xffff) == session.Session);
    }

    private Func<bool> Geneve(FilterNode.Geneve geneve)
    {
        var udp = new FilterNode.Port(ProtocolWord.Udp, Direction.Destination, 6081, 6081, 0);
        var (isIp, isUdp) = (Carries(0x800), Port(udp));
        var (version4, version6) = (Behind4(8, 1), Net(48, 1));
        var (vni4, vni6) = (Behind4(12, 4), Net(52, 4));
        var (payload, network) = (_payload, _network);
        var nibble = Net(0, 1);
        uint Begin() => payload() + network + (isIp() ? (nibble() & 15) * 4 : 40) + 8;
        uint End() => Begin() + 8 + ((Read(Begin(), 1) & 0x3f) * 4);
        bool IsEthernet() => Read(Begin() + 2ul, 2) == 0x6558;
        _link = End;
        _type = () => IsEthernet() ? End() + 12 : Begin() + 2;
        _payload = () => IsEthernet() ? End() + 14 : End();
        (_network, _isGeneve, _isPpp) = (0, true, false);
        return () =>
        {
            if (!isUdp())
            {
                return false;
            }

            var is4 = isIp();
            var holds = ((is4 ? version4() : version6()) & 0xc0) == 0
                && (geneve.Network is null || (is4 ? vni4() : vni6()) >> 8 == geneve.Network);
            if (holds)
            {
                // The places of what is inside are worked out at once, and may be missing.
                _ = End();
                _ = IsEthernet();
            }

            return holds;
        };
    }

    private Func<bool> Llc(LlcKind kind)
    {
        var (type, payload) = (_type, _payload);
        return () => Read(type(), 2) <= 1500 && Read(payload(), 2) != 0xffff
            && (kind == LlcKind.Any || (Read(payload() + 2ul, 1) & ((uint)kind >> 8)) == ((uint)kind & 0xff));
    }

    // A value, and what must hold before it is read: of two operands, what the left one asks.
    private (Func<uint> Read, Func<bool>? Check) Value(FilterValue value)
    {
        switch (value)
        {
            case FilterValue.Number number:
                return (() => number.Value, null);
            case FilterValue.Length:
                return (() => _length, null);
            case FilterValue.Negate negate:
                var (operand, operandCheck) = Value(negate.Operand);
                return (() => 0 - operand(), operandCheck);
            case FilterValue.Binary binary:
                var (left, check) = Value(binary.Left);
                var (right, _) = Value(binary.Right);
                return (() =>
                {
                    var (a, b) = (left(), right());
                    return b == 0 && binary.Operation is Arithmetic.Divide or Arithmetic.Modulo
                        ? throw new MissingBytesException() : Calculation.Of(binary.Operation, a, b);
                }, check);
            default:
                return Bytes((FilterValue.Bytes)value);
        }
    }

    private (Func<uint> Read, Func<bool>? Check) Bytes(FilterValue.Bytes bytes)
    {
        var (index, check) = Value(bytes.Index);
        var (link, payload, network, size) = (_link, _payload, _network, bytes.Size);
        switch (bytes.Protocol)
        {
            case ProtocolWord.Ether:
                return (_isGeneve ? () => Read(link() + index(), size) : () => Read((ulong)link() + index(), size), check);
            case ProtocolWord.Icmp6:
                check = Both(check, Both(Carries(0x86dd), Is(Net(6, 1), v => v == 58)));
                return (() => Read(payload() + network + 40ul + index(), size), check);
            case ProtocolWord.Tcp or ProtocolWord.Udp or ProtocolWord.Sctp or ProtocolWord.Icmp or ProtocolWord.Igmp
                or ProtocolWord.Igrp or ProtocolWord.Pim or ProtocolWord.Vrrp or ProtocolWord.Carp:
                var own = Both(Word(bytes.Protocol), Is(Net(6, 2), v => (v & 0x1fff) == 0));
                check = Both(Carries(0x800), Both(check, own));
                var nibble = Net(0, 1);
                return (() => Read(payload() + network + (ulong)(((nibble() & 15) * 4) + index()), size), check);
            default:
                return (() => Read(payload() + network + (ulong)index(), size), Both(check, Word(bytes.Protocol)));
        }
    }

    private sealed class MissingBytesException : Exception;
}
