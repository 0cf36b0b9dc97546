// The link layer: where headers begin for each link type, and how a frame says what it carries.
using Tapline.Base;
using Tapline.Filter.Tree;
using static Tapline.Filter.Lowering.Condition;

namespace Tapline.Filter.Lowering;

internal sealed partial class FilterLowering
{
    private const uint SllOutgoing = 4;
    private const uint SllProtocol8023 = 1;
    private const uint SllProtocol8022 = 4;

    // https://www.tcpdump.org/linktypes.html. False for link types that libpcap cannot tell either.
    private bool SetOffsets()
    {
        (uint Type, uint Payload)? offsets = _linkType switch
        {
            LinkType.Ethernet => (12, 14),
            LinkType.Null or LinkType.Loop => (0, 4),
            LinkType.Ppp or LinkType.PppHdlc => (2, 4),
            LinkType.PppEther => (6, 8),
            LinkType.Raw or LinkType.Ipv4 or LinkType.Ipv6 => (0, 0),
            LinkType.LinuxSll => (14, 16),
            LinkType.LinuxSll2 => (0, 20),
            _ => null,
        };
        if (offsets is not { } known)
        {
            return false;
        }

        _linkTypeField = new HeaderOffset(known.Type);
        _linkPayload = new HeaderOffset(known.Payload);
        _networkAfterLlc = _linkType == LinkType.Ethernet ? 3u : 0;
        return true;
    }

    // Is this what the frame carries? A number up to LengthMax is an LLC service access point.
    private Condition LinkTypeIs(uint type, FilterNode node)
    {
        if (_labels > 0)
        {
            return MplsCarries(type, node);
        }

        switch (_linkType)
        {
            case LinkType.Ethernet:
                return EthernetCarries(type);
            case LinkType.LinuxSll:
                return SllCarries(type);
            case LinkType.Raw:
                return type switch
                {
                    EtherType.Ip => IsEqual(_linkHeader.Load(0, 1), 0x40, 0xf0),
                    EtherType.Ip6 => IsEqual(_linkHeader.Load(0, 1), 0x60, 0xf0),
                    _ => Never,
                };
            case LinkType.Ipv4:
                return type == EtherType.Ip ? Always : Never;
            case LinkType.Ipv6:
                return type == EtherType.Ip6 ? Always : Never;
            case LinkType.Ppp or LinkType.PppHdlc or LinkType.PppEther:
                return IsEqual(_linkTypeField.Load(0, 2), PppType(type));
            case LinkType.Null or LinkType.Loop:
                return LoopbackCarries(type);
            default:
                return IsEqual(_linkTypeField.Load(0, 2), type);
        }
    }

    private Condition EthernetCarries(uint type)
    {
        var field = _linkTypeField.Load(0, 2);
        var isLength = new Not(IsGreater(field, EtherType.LengthMax));
        switch (type)
        {
            case EtherType.SapIso or EtherType.SapIp or EtherType.SapNetbeui:
                return new And(isLength, IsEqual(AtLlc(0, 2), (type << 8) | type));
            case EtherType.SapIpx:
                var llc = new Or(IsEqual(AtLlc(0, 1), EtherType.SapIpx), IsEqual(AtLlc(0, 2), 0xffff));
                return new Or(
                    IsEqual(field, EtherType.Ipx), new And(isLength, new Or(Snap(0, EtherType.Ipx), llc)));
            case EtherType.Atalk:
                return new Or(IsEqual(field, type), new And(isLength, Snap(0x080007, type)));
            case EtherType.Aarp:
                return new Or(IsEqual(field, type), new And(isLength, Snap(0, type)));
            default:
                return type <= EtherType.LengthMax
                    ? new And(isLength, IsEqual(_linkTypeField.Load(2, 1), type))
                    : IsEqual(field, type);
        }
    }

    private Condition SllCarries(uint type)
    {
        var field = _linkTypeField.Load(0, 2);
        var isLlc = IsEqual(field, SllProtocol8022);
        switch (type)
        {
            case EtherType.SapIso or EtherType.SapIp or EtherType.SapNetbeui:
                return new And(isLlc, IsEqual(AtLlc(0, 2), (type << 8) | type));
            case EtherType.SapIpx:
                var llc = new Or(IsEqual(AtLlc(0, 1), EtherType.SapIpx), Snap(0, EtherType.Ipx));
                return new Or(
                    IsEqual(field, EtherType.Ipx), new Or(IsEqual(field, SllProtocol8023), new And(isLlc, llc)));
            case EtherType.Atalk:
                return new Or(IsEqual(field, type), new And(isLlc, Snap(0x080007, type)));
            case EtherType.Aarp:
                return new Or(IsEqual(field, type), new And(isLlc, Snap(0, type)));
            default:
                return type <= EtherType.LengthMax
                    ? new And(isLlc, IsEqual(_linkHeader.Load(_linkPayload.Constant, 1), type))
                    : IsEqual(field, type);
        }
    }

    // IEEE 802.2 with SNAP: AA AA 03, organisation, type.
    private Condition Snap(uint organisation, uint type) => new And(
        IsEqual(AtLlc(4, 4), ((organisation & 0xffff) << 16) | type),
        IsEqual(AtLlc(0, 4), (EtherType.SapSnap << 24) | (EtherType.SapSnap << 16) | (0x03 << 8) | (organisation >> 16)));

    // RFC 3032 section 2.1: the bottom of the stack, then the version of IP; nothing else is told.
    private Condition MplsCarries(uint type, FilterNode node)
    {
        var version = type switch
        {
            EtherType.Ip => 0x40u,
            EtherType.Ip6 => 0x60u,
            _ => 0u,
        };
        return version == 0
            ? Mistake(node, "behind `mpls` only IPv4 and IPv6 can be told")
            : new And(IsEqual(AtNetwork(unchecked((uint)-2), 1), 0x01, 0x01), IsEqual(AtNetwork(0, 1), version, 0xf0));
    }

    // The address family in the byte order of whoever captured; its values for IPv6 differ by system.
    private Condition LoopbackCarries(uint type)
    {
        uint[] families = type == EtherType.Ip ? [2] : type == EtherType.Ip6 ? [24, 28, 30] : [];
        var condition = Never;
        foreach (var family in families)
        {
            Condition one = IsEqual(_linkHeader.Load(0, 4), family);
            if (_linkType == LinkType.Null)
            {
                one = new Or(IsEqual(_linkHeader.Load(0, 4), family << 24), one);
            }

            condition = ReferenceEquals(condition, Never) ? one : new Or(condition, one);
        }

        return condition;
    }

    // RFC 1661 section 2, IANA's PPP protocol numbers.
    private static uint PppType(uint type) => type switch
    {
        EtherType.Ip => 0x0021,
        EtherType.Ip6 => 0x0057,
        EtherType.Decnet => 0x0027,
        EtherType.Atalk => 0x0029,
        0x0600 => 0x0025,
        EtherType.SapIso => 0x0023,
        EtherType.SapSpanningTree => 0x0031,
        EtherType.SapIpx => 0x002b,
        _ => type,
    };

    private Condition MacHost(Direction direction, ulong address, FilterNode node)
    {
        if (_linkType != LinkType.Ethernet)
        {
            return Mistake(node, $"frames of link type {_linkType} have no MAC addresses");
        }

        return BehindGeneve(Either(direction, isSource => MacIs(isSource ? 6u : 0, address)));
    }

    private Condition MacIs(uint offset, ulong address) => new And(
        IsEqual(_linkHeader.Load(offset + 2, 4), (uint)address), IsEqual(_linkHeader.Load(offset, 2), (uint)(address >> 32)));

    // What a Geneve tunnel carries need not be Ethernet: then header and payload begin at the same place.
    private Condition BehindGeneve(Condition condition) => !_isGeneve ? condition : new And(
        new Not(new Test(
            new CodeValue.Variable(_linkHeader.Slot), TestKind.Equal, new CodeValue.Variable(_linkPayload.Slot))),
        condition);

    private Condition Multicast(FilterNode.Multicast multicast)
    {
        switch (multicast.Qualifier)
        {
            case ProtocolWord.Ip:
                return new And(LinkTypeIs(EtherType.Ip, multicast), IsAtLeast(AtNetwork(16, 1), 224));
            case ProtocolWord.Ip6:
                return new And(LinkTypeIs(EtherType.Ip6, multicast), IsEqual(AtNetwork(24, 1), 255));
            default:
                return _linkType == LinkType.Ethernet
                    ? BehindGeneve(HasBits(_linkHeader.Load(0, 1), 1))
                    : Mistake(multicast, $"frames of link type {_linkType} have no MAC addresses");
        }
    }

    private Condition Llc(FilterNode.Llc llc)
    {
        if (_linkType != LinkType.Ethernet)
        {
            return Mistake(llc, $"`llc` is not told of frames of link type {_linkType}");
        }

        // FFFF is no LLC header but Novell's raw 802.3.
        var isLlc = new And(
            new Not(IsGreater(_linkTypeField.Load(0, 2), EtherType.LengthMax)), new Not(IsEqual(AtLlc(0, 2), 0xffff)));
        return llc.Kind == LlcKind.Any
            ? isLlc : new And(isLlc, IsEqual(AtLlc(2, 1), (uint)llc.Kind & 0xff, (uint)llc.Kind >> 8));
    }

    private Condition Bound(FilterNode.Bound bound)
    {
        Condition isOutgoing = _linkType switch
        {
            LinkType.LinuxSll => IsEqual(_linkHeader.Load(0, 2), SllOutgoing),
            LinkType.LinuxSll2 => IsEqual(_linkHeader.Load(10, 1), SllOutgoing),
            _ => Mistake(bound, "frames do not say whether they are inbound: at a switch port all enter; name a port by "
                + "`point` or a machine by `src vm`"),
        };
        return bound.IsOutbound ? isOutgoing : new Not(isOutgoing);
    }

    private Condition InterfaceIndex(FilterNode.InterfaceIndex index) => _linkType == LinkType.LinuxSll2
        ? IsEqual(_linkHeader.Load(4, 4), index.Index)
        : Mistake(index, "only frames of link type LinuxSll2 say their interface; name a port by `point`");
}
