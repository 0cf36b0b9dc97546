// The hashes of all keys of one index, each once, and the filter over them. Writer's thread; used again for each index.
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Collects the keys of one index.</summary>
internal sealed class KeyCollector
{
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

    private void AddVlan(ushort vlan)
    {
        if (vlan != 0)
        {
            Add(IndexKey.Vlan(vlan));
        }
    }
}
