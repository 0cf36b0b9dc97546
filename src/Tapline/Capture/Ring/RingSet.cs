// All rings of a capture and what the kernel knows of its points. In: the points of the moment. Out: map updates, host
// rings, promiscuous mode; the workers' sources. A port that appears costs two table updates and no ring.
// Order on arrival: the workers' table first, the kernel's map second, so that no frame comes without a point; on leaving
// the map first, and the table keeps the entry until its frames have left the rings.
// Owner of maps, programs, rings. Control threads, under the owner's lock.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Points;

namespace Tapline.Capture.Ring;

/// <summary>The rings and kernel tables of a live capture.</summary>
internal sealed class RingSet : IDisposable
{
    private static readonly TimeSpan s_tableGrace = TimeSpan.FromSeconds(30);
    private readonly CaptureMaps _maps;
    private readonly CapturePrograms _programs;
    private readonly LiveCaptureOptions _options;
    private readonly PacketRing[] _portRings;
    private readonly Dictionary<int, ushort> _ports = [];
    private readonly Dictionary<int, HostRings> _hosts = [];
    private readonly Dictionary<int, (ushort Point, long LeftTicks)> _table = [];
    private readonly HashSet<int> _promiscuous = [];
    private readonly HashSet<(int Lower, int VlanId)> _vlans = [];
    private readonly HashSet<(int Lower, ulong Mac)> _senders = [];
    private readonly HashSet<string> _notices = [];
    private readonly FileDescriptor? _idleSocket;
    private long _hostBudgetBytes;

    private RingSet(CaptureMaps maps, CapturePrograms programs, LiveCaptureOptions options, PacketRing[] portRings)
    {
        _maps = maps;
        _programs = programs;
        _options = options;
        _portRings = portRings;
        Sources = [.. portRings.Select(_ => new PacketRingSource(RetireMs(options)))];
        if (portRings.Length == 0)
        {
            // Nobody reads frames, but NICs are still to receive all: a socket without protocol sees none itself.
            _idleSocket = new FileDescriptor(SystemCalls.SocketOpen(Socket.AF_PACKET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        }
    }

    private sealed record HostRings(ushort Point, PacketRing[] Rings);

    public PacketRingSource[] Sources { get; }

    /// <summary>What could not be done, one sentence each.</summary>
    public IReadOnlyCollection<string> Notices => [.. _notices];

    /// <summary>Loads programs and opens one ring per worker; null and one sentence when the kernel refuses.</summary>
    public static RingSet? Open(LiveCaptureOptions options, long budgetBytes, bool wantsHosts, out string error)
    {
        if (CaptureMaps.Create(out error) is not { } maps)
        {
            return null;
        }

        var programs = CapturePrograms.Load(maps, options.SnapLength, out error);
        var hostBudgetBytes = wantsHosts ? budgetBytes / RingGeometry.HostShareDivisor : 0;
        var rings = programs is null
            ? null
            : OpenGroup((budgetBytes - hostBudgetBytes) / Math.Max(options.Workers, 1), 0, programs, fromHost: false, options, out error);
        if (rings is null)
        {
            programs?.Dispose();
            maps.Dispose();
            return null;
        }

        var set = new RingSet(maps, programs!, options, rings) { _hostBudgetBytes = hostBudgetBytes };
        set.PublishRings();
        return set;
    }

    /// <summary>Makes the kernel and the workers follow the points that are present now.</summary>
    public void Apply(IReadOnlyList<(ushort Id, SelectedPoint Selected)> present)
    {
        var ports = present.Where(p => !p.Selected.IsHost).ToDictionary(p => p.Selected.Link.Index, p => p.Id);
        var hosts = present.Where(p => p.Selected.IsHost).ToDictionary(p => p.Selected.Link.Index, p => p.Id);
        foreach (var (index, _) in _ports.Where(p => !ports.TryGetValue(p.Key, out var id) || id != p.Value).ToArray())
        {
            CaptureMaps.Remove(_maps.PortSlots, index);
            _ports.Remove(index);
        }

        var left = _hosts.Where(h => !hosts.TryGetValue(h.Key, out var id) || id != h.Value.Point).ToArray();
        foreach (var (index, host) in left)
        {
            Retire(index, host);
        }

        PublishTable(ports, hosts);
        SetVlans(present);
        SetSenders(present, ports);
        foreach (var (index, id) in ports.Where(p => !_ports.ContainsKey(p.Key)))
        {
            AddPort(index, id);
        }

        foreach (var (index, id) in hosts.Where(h => !_hosts.ContainsKey(h.Key)))
        {
            var bridge = present.First(p => p.Selected.IsHost && p.Selected.Link.Index == index).Selected.Link.Name;
            AddHost(index, id, bridge);
        }

        var monitors = present.Where(p => p.Selected.NeedsPromiscuousMode && p.Selected.Link.IsUp);
        SetPromiscuous([.. monitors.Select(p => p.Selected.Link.Index)]);
    }

    /// <summary>No frame is ours from now on.</summary>
    public void StopArrivals()
    {
        foreach (var index in _ports.Keys)
        {
            CaptureMaps.Remove(_maps.PortSlots, index);
        }

        foreach (var index in _hosts.Keys)
        {
            CaptureMaps.Remove(_maps.HostSlots, index);
        }

        SetPromiscuous([]);
        foreach (var source in Sources)
        {
            source.Stop();
        }
    }

    public bool TryReadArrived(ushort point, out PointArrived arrived) => _maps.TryRead(point, out arrived);

    /// <summary>Ring memory of one worker.</summary>
    public long RingBytes(int worker)
    {
        var bytes = (long)_portRings[worker].Geometry.Bytes;
        foreach (var host in _hosts.Values)
        {
            bytes += host.Rings[worker].Geometry.Bytes;
        }

        return bytes;
    }

    public void Dispose()
    {
        foreach (var source in Sources)
        {
            source.Dispose();
        }

        foreach (var ring in _portRings.Concat(_hosts.Values.SelectMany(h => h.Rings)))
        {
            ring.Dispose();
        }

        _idleSocket?.Dispose();
        _programs.Dispose();
        _maps.Dispose();
    }

    private static int RetireMs(LiveCaptureOptions options) =>
        options.RetireTimeoutMs > 0 ? options.RetireTimeoutMs : RingGeometry.RetireTimeoutMsDefault;

    // One ring per worker, joined in the order of the workers: the kernel picks by the order of joining.
    private static PacketRing[]? OpenGroup(
        long bytesPerRing, int interfaceIndex, CapturePrograms programs, bool fromHost, LiveCaptureOptions options,
        out string error)
    {
        var geometry = RingGeometry.Fit(bytesPerRing, options.BlockBytes, RetireMs(options));
        var rings = new List<PacketRing>();
        ushort group = 0;
        error = "";
        for (var worker = 0; worker < options.Workers; worker++)
        {
            var ring = PacketRingFactory.Open(
                geometry, interfaceIndex, fromHost ? programs.HostFilter : programs.PortFilter, fromHost, options, out error);
            if (ring is not null)
            {
                rings.Add(ring);
            }

            if (ring is null || (options.Workers > 1 && !PacketRingFactory.Join(
                    ring, ref group, worker == 0, ignoreOutgoing: !fromHost,
                    fromHost ? programs.HostFanout : programs.PortFanout, out error)))
            {
                rings.ForEach(r => r.Dispose());
                return null;
            }
        }

        return [.. rings];
    }

    private void AddPort(int index, ushort id)
    {
        if (CaptureMaps.Assign(_maps.PortSlots, index, id, _senders.Any(s => s.Lower == index)))
        {
            _ports[index] = id;
        }
        else
        {
            _notices.Add($"The kernel's table of points is full; interface {index} is not captured.");
        }
    }

    private void AddHost(int index, ushort id, string bridge)
    {
        if (_options.Workers == 0)
        {
            return;
        }

        // Half of what is left for each further bridge: the first ones are the busy ones, and none is left out early.
        var bytesPerRing = _hostBudgetBytes / 2 / _options.Workers;
        if (bytesPerRing < (long)Limits.RingBlockBytesMin * RingGeometry.BlocksMin)
        {
            _notices.Add($"The ring budget has no room for what the host sends by `{bridge}`; raise it to see that too.");
            return;
        }

        if (OpenGroup(bytesPerRing, index, _programs, fromHost: true, _options, out var error) is not { } rings)
        {
            _notices.Add($"What the host sends by `{bridge}` is not captured: {error}");
            return;
        }

        _hostBudgetBytes -= rings.Sum(r => r.Geometry.Bytes);
        _hosts[index] = new HostRings(id, rings);
        PublishRings();
        CaptureMaps.Assign(_maps.HostSlots, index, id);
    }

    private void Retire(int index, HostRings host)
    {
        CaptureMaps.Remove(_maps.HostSlots, index);
        _hosts.Remove(index);
        _hostBudgetBytes += host.Rings.Sum(r => r.Geometry.Bytes);
        var now = Math.Max(Stopwatch.GetTimestamp(), 1);
        foreach (var ring in host.Rings)
        {
            ring.RetiredTicks = now;
        }

        PublishRings();
    }

    // Rings that retired stay in the list until the worker has emptied and closed them.
    private void PublishRings()
    {
        for (var worker = 0; worker < Sources.Length; worker++)
        {
            PacketRing[] rings = [_portRings[worker], .. _hosts.Values.Select(h => h.Rings[worker])];
            Sources[worker].SetRings([.. rings, .. Sources[worker].RetiredRings()]);
        }
    }

    private void PublishTable(Dictionary<int, ushort> ports, Dictionary<int, ushort> hosts)
    {
        foreach (var index in _table.Keys.ToArray())
        {
            var (point, leftTicks) = _table[index];
            if (leftTicks != 0 && Stopwatch.GetElapsedTime(leftTicks) > s_tableGrace)
            {
                _table.Remove(index);
            }
            else if (leftTicks == 0 && !ports.ContainsKey(index) && !hosts.ContainsKey(index))
            {
                _table[index] = (point, Stopwatch.GetTimestamp());
            }
        }

        foreach (var (index, id) in ports.Concat(hosts))
        {
            _table[index] = (id, 0);
        }

        var table = new PointTable([.. _table.Select(e => (e.Key, e.Value.Point))]);
        foreach (var source in Sources)
        {
            source.SetTable(table);
        }
    }

    private int MembershipSocket => _idleSocket?.Number ?? _portRings[0].Descriptor;

    // VLAN devices that are points and stand on a device that is one too.
    private void SetVlans(IReadOnlyList<(ushort Id, SelectedPoint Selected)> present)
    {
        var links = present.Where(p => !p.Selected.IsHost).Select(p => p.Selected.Link).ToDictionary(l => l.Index);
        var wanted = links.Values
            .Where(l => l is { Kind: "vlan", IsUp: true, PeerNamespaceId: < 0 } && links.ContainsKey(l.Link))
            .Select(l => (l.Link, l.VlanId))
            .ToHashSet();
        foreach (var (lower, vlanId) in _vlans.Except(wanted))
        {
            _maps.SetVlan(lower, vlanId, comesAgain: false);
        }

        foreach (var (lower, vlanId) in wanted.Except(_vlans))
        {
            _maps.SetVlan(lower, vlanId, comesAgain: true);
        }

        _vlans.Clear();
        _vlans.UnionWith(wanted);
    }

    // Macvlan devices that are points and stand on a NIC that is one too. A NIC whose check begins or ends gets its slot anew.
    private void SetSenders(IReadOnlyList<(ushort Id, SelectedPoint Selected)> present, Dictionary<int, ushort> ports)
    {
        var wanted = present
            .Where(p => p.Selected.IsOutgoing && LinkClassifier.IsMacvlan(p.Selected.Link))
            .Select(p => p.Selected.Link)
            .Where(l => l.PeerNamespaceId < 0 && ports.ContainsKey(l.Link))
            .Select(l => (l.Link, l.Mac))
            .ToHashSet();
        foreach (var (lower, mac) in wanted.Except(_senders))
        {
            _maps.SetSender(lower, mac, isPoint: true);
        }

        foreach (var (lower, mac) in _senders.Except(wanted))
        {
            _maps.SetSender(lower, mac, isPoint: false);
        }

        foreach (var lower in wanted.Union(_senders).Select(s => s.Item1).Distinct().Where(_ports.ContainsKey))
        {
            CaptureMaps.Assign(_maps.PortSlots, lower, _ports[lower], wanted.Any(s => s.Link == lower));
        }

        _senders.Clear();
        _senders.UnionWith(wanted);
    }

    private void SetPromiscuous(HashSet<int> wanted)
    {
        foreach (var index in _promiscuous.Where(i => !wanted.Contains(i)).ToArray())
        {
            PacketRingFactory.SetPromiscuous(MembershipSocket, index, on: false);
            _promiscuous.Remove(index);
        }

        foreach (var index in wanted.Where(i => !_promiscuous.Contains(i)))
        {
            if (PacketRingFactory.SetPromiscuous(MembershipSocket, index, on: true))
            {
                _promiscuous.Add(index);
            }
        }
    }
}
