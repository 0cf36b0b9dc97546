// The hashes of all keys of one index, each once, and the filter over them. Writer's thread; used again for each index.
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Collects the keys of one index.</summary>
internal sealed class KeyCollector
{
    private const int VlanBits = 12;
    private const ulong VlanMask = 0xfff;
    private const ushort EtherTypeRarp = 0x8035;
    private readonly HashSet<ulong> _hashes = [];
    private readonly bool[] _ports = new bool[ushort.MaxValue + 1];

    public void Begin()
    {
        _hashes.Clear();
        Array.Clear(_ports);
    }

    public void Add(in IndexKey key) => _hashes.Add(key.Hash);

    /// <summary>Adds what stands in a flow itself; addresses and names come from their lists.</summary>
    public void Add(in FlowRecord flow)
    {
        Add(IndexKey.Protocol(flow.Protocol));
        if (IsUnaddressed(flow))
        {
            Add(IndexKey.Protocol(IndexProtocol.Unaddressed));
        }

        if (FlowProtocol.HasPorts(flow.Protocol))
        {
            AddPort(flow.InitiatorPort);
            AddPort(flow.ResponderPort);
        }

        if (flow.AppId != 0)
        {
            Add(IndexKey.App(flow.AppId));
        }

        if (flow.Vni != 0)
        {
            Add(IndexKey.Vni(flow.Vni));
        }

        AddVlan(flow.Vlan0);
        AddVlan(flow.Vlan1);
        AddVlan(flow.Vlan2);
        AddVlan(flow.Vlan3);
    }

    /// <summary>Adds what frames showed beyond their flow's record; addresses come from their lists.</summary>
    public void Add(in FrameExtras extras)
    {
        if ((extras.Marks & FrameMarks.Tunnelled) != 0)
        {
            Add(IndexKey.Protocol(IndexProtocol.Tunnelled));
            AddOuterPort(extras.Port1);
            AddOuterPort(extras.Port2);
            AddOuterPort(extras.Port3);
        }

        if (extras.Vni != 0)
        {
            Add(IndexKey.Vni(extras.Vni));
        }

        for (var vlans = extras.Vlans; vlans != 0; vlans >>= VlanBits)
        {
            AddVlan((ushort)(vlans & VlanMask));
        }
    }

    /// <summary>Frames of the flow may have addresses that no column says: IP headers that are cut, RARP, ARP of other links.</summary>
    public static bool IsUnaddressed(in FlowRecord flow) => IsUnaddressed(flow.Protocol, flow.InitiatorPort, flow.ResponderPort);

    /// <summary>The same from columns.</summary>
    public static bool IsUnaddressed(long protocol, long port, long otherPort) => protocol switch
    {
        // Its EtherType stands where IPv4 addresses could not be read.
        FlowProtocol.Arp => (port | otherPort) != 0,
        FlowProtocol.EtherTypeFlow => (port | otherPort) is EtherTypes.Ipv4 or EtherTypes.Ipv6 or EtherTypes.Arp or EtherTypeRarp or 0,
        _ => false,
    };

    public void WriteFilter(ByteSink target)
    {
        var bytes = KeyFilter.Bytes(_hashes.Count);
        var filter = target.Room(bytes)[..bytes];
        filter.Clear();
        foreach (var hash in _hashes)
        {
            KeyFilter.Add(filter, hash);
        }

        target.Advance(bytes);
    }

    private void AddPort(ushort port)
    {
        if (!_ports[port])
        {
            _ports[port] = true;
            Add(IndexKey.Port(port));
        }
    }

    // Key 0 is kept for headers that were cut.
    private void AddOuterPort(ushort port)
    {
        if (port != 0)
        {
            AddPort(port);
        }
    }

    private void AddVlan(ushort vlan)
    {
        if (vlan != 0)
        {
            Add(IndexKey.Vlan(vlan));
        }
    }
}
