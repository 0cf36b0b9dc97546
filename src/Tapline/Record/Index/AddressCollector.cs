// The distinct IP and MAC addresses of one index in order, and the place of each. Hash tables of the runtime, whose hash is
// seeded, so that hostile addresses do not collide on purpose. Writer's thread; used again for each index.
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Collects the addresses of one index.</summary>
internal sealed class AddressCollector
{
    private readonly Dictionary<IpAddress16, int> _ipPlaces = [];
    private readonly Dictionary<ulong, int> _macPlaces = [];
    private readonly List<IpAddress16> _ips = [];
    private readonly List<ulong> _macs = [];

    public List<IpAddress16> Ips => _ips;

    public List<ulong> Macs => _macs;

    public void Begin()
    {
        _ipPlaces.Clear();
        _macPlaces.Clear();
        _ips.Clear();
        _macs.Clear();
    }

    public void Note(in FlowRecord flow)
    {
        Note(flow.InitiatorIp);
        Note(flow.ResponderIp);
        Note(flow.OuterInitiatorIp);
        Note(flow.OuterResponderIp);
        Note(flow.InitiatorMac);
        Note(flow.ResponderMac);
    }

    public void Note(in FrameExtras extras)
    {
        Note(extras.Address1);
        Note(extras.Address2);
        Note(extras.Mac1);
        Note(extras.Mac2);
    }

    /// <summary>All are noted: from here on places are known.</summary>
    public void Sort()
    {
        _ips.Sort(IndexLists.Compare);
        _macs.Sort();
        for (var i = 0; i < _ips.Count; i++)
        {
            _ipPlaces[_ips[i]] = i + 1;
        }

        for (var i = 0; i < _macs.Count; i++)
        {
            _macPlaces[_macs[i]] = i + 1;
        }
    }

    /// <summary>Place of an address; 0 = none.</summary>
    public int PlaceOf(IpAddress16 ip) => ip.IsNone ? 0 : _ipPlaces[ip];

    public int PlaceOf(ulong mac) => mac == 0 ? 0 : _macPlaces[mac];

    public void WriteIps(ByteSink target)
    {
        var ipv4 = _ips.FindIndex(ip => !ip.IsIpv4);
        ipv4 = ipv4 < 0 ? _ips.Count : ipv4;
        target.AddVarint((ulong)ipv4);
        uint before = 0;
        for (var i = 0; i < ipv4; i++)
        {
            var value = IndexLists.Ipv4Of(_ips[i]);
            target.AddVarint(value - before);
            before = value;
        }

        target.AddVarint((ulong)(_ips.Count - ipv4));
        for (var i = ipv4; i < _ips.Count; i++)
        {
            IndexLists.WriteOther(target.Room(16), _ips[i]);
            target.Advance(16);
        }
    }

    public void WriteMacs(ByteSink target)
    {
        target.AddVarint((ulong)_macs.Count);
        ulong before = 0;
        foreach (var mac in _macs)
        {
            target.AddVarint(mac - before);
            before = mac;
        }
    }

    private void Note(IpAddress16 ip)
    {
        if (!ip.IsNone && _ipPlaces.TryAdd(ip, 0))
        {
            _ips.Add(ip);
        }
    }

    private void Note(ulong mac)
    {
        if (mac != 0 && _macPlaces.TryAdd(mac, 0))
        {
            _macs.Add(mac);
        }
    }
}
