// The live capture: rings, socket filters, fan-out, and the watcher that follows switch ports as they come and go.
// In: options. Out: one source of frames per worker, the list of points, what arrived at each.
// Owner of everything below it; Dispose leaves the host as it was, and so does the kernel when the process dies.
//
//   tunnel listener → raw socket of one worker → the same source
//   port → kernel: socket filter (ours? count) → fan-out (which worker) → ring of that worker → PacketRingSource
using Tapline.Base.Native;
using Tapline.Capture.Identity;
using Tapline.Capture.Ovs;
using Tapline.Capture.Points;
using Tapline.Capture.Tunnels;

namespace Tapline.Capture.Ring;

/// <summary>
/// Frames of a host's switch ports, for one or more workers. Open it on the control thread; each source belongs to the
/// worker thread that leases from it; all other members may be called from any thread.
/// </summary>
public sealed class LiveCapture : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PointSelector _selector;
    private readonly LinkInventory _links;
    private readonly WorkloadInventory _workloadInventory;
    private readonly RingSet _rings;
    private readonly TunnelSet _tunnels;
    private readonly OvsFollower _ovs;
    private readonly PointRegistry _registry = new();
    private readonly HashSet<int> _excludedIndices;

    // Those, and every interface that has had one of the excluded names: a tool port that is renamed stays one.
    private HashSet<int> _excluded;
    private HashSet<string> _excludedNames;
    private Dictionary<int, VmIdentity> _workloads = [];
    private IReadOnlyList<LibvirtDomain> _domains = [];
    private VmInventory _inventory;
    private VmDirectory _directory = VmDirectory.Empty;
    private string[] _idlePatterns = [];
    private PointWatcher? _watcher;
    private LibvirtFollower? _libvirt;
    private string? _libvirtNotice;
    private LivePoint[] _points = [];
    private string? _budgetNotice;
    private int _generation;
    private bool _stopped;
    private bool _disposed;

    private LiveCapture(
        PointSelector selector, LinkInventory links, WorkloadInventory workloads, RingSet rings, TunnelSet tunnels,
        OvsFollower ovs, LiveCaptureOptions options)
    {
        _selector = selector;
        _links = links;
        _workloadInventory = workloads;
        _rings = rings;
        _tunnels = tunnels;
        _ovs = ovs;
        _excludedIndices = [.. options.ExcludeInterfaces];
        _excluded = [.. _excludedIndices];
        _excludedNames = [.. options.ExcludeNames];
        _inventory = options.Inventory;
    }

    /// <summary>One source per worker.</summary>
    public IReadOnlyList<PacketRingSource> Sources => _rings.Sources;

    /// <summary>All points known since the start, those that have gone included. A new list after each change.</summary>
    public IReadOnlyList<LivePoint> Points => Volatile.Read(ref _points);

    /// <summary>Rises with each change of <see cref="Points"/>; cheap to read.</summary>
    public int PointsGeneration => Volatile.Read(ref _generation);

    /// <summary>Who is who now: another object after each change. Any thread.</summary>
    public VmDirectory Directory => Volatile.Read(ref _directory);

    /// <summary>
    /// Called after each look at the interfaces, whether or not the points changed; on the points thread, without a lock.
    /// </summary>
    public Action? Looked { get; set; }

    /// <summary>Called after <see cref="Directory"/> has changed, with nothing held; any control thread.</summary>
    public Action? DirectoryChanged { get; set; }

    /// <summary>What could not be done, one sentence each (a ring that found no room, a reduced budget).</summary>
    public IReadOnlyList<string> Notices
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. _budgetNotice is null ? [] : (string[])[_budgetNotice], .. _rings.Notices, .. _tunnels.Notices,
                    .. _ovs.Notices, .. Registered(), .. _idlePatterns.Select(Idle),
                    .. _libvirtNotice is null ? _libvirt?.Notices ?? [] : [_libvirtNotice],
                ];
            }

            static string Idle(string pattern) =>
                $"`{pattern}` stands behind no port of this host now; its ports are captured as soon as they are there. Where a NIC "
                + $"receives copies of its frames, observe the NIC and select them by an expression: {pattern.Replace(':', ' ')}.";

            IEnumerable<string> Registered() => _registry.Refused > 0
                ? [$"{_registry.Refused} interfaces are not captured: all {Base.Limits.PointsMax - 1} point identifiers are used."]
                : [];
        }
    }

    /// <summary>Opens the capture, or returns null and one sentence that names what is missing and the mend.</summary>
    /// <remarks>Nothing on the host has changed when it fails.</remarks>
    public static LiveCapture? Open(LiveCaptureOptions options, out string error)
    {
        if (Check(options) is { } mistake)
        {
            error = mistake;
            return null;
        }

        if (PointSelector.Parse(options.Points, out error) is not { } selector
            || LinkInventory.Open(out error) is not { } links)
        {
            return null;
        }

        var capture = OpenRings(options, selector, links, out error);
        if (capture is null)
        {
            links.Dispose();
        }

        return capture;
    }

    /// <summary>Ring memory in bytes of one worker, host rings included. Allocation-free.</summary>
    public long RingBytes(int worker)
    {
        lock (_lock)
        {
            return _rings.RingBytes(worker);
        }
    }

    /// <summary>Reads what arrived at each point. Allocation-free; returns the number of entries written.</summary>
    public int ReadArrived(Span<PointArrived> arrived)
    {
        var points = Volatile.Read(ref _points);
        var count = 0;
        lock (_lock)
        {
            foreach (var point in points)
            {
                if (count < arrived.Length && !_disposed
                    && (_tunnels.TryReadArrived(point.Point.Id, out arrived[count])
                        || _rings.TryReadArrived(point.Point.Id, out arrived[count])))
                {
                    count++;
                }
            }
        }

        return count;
    }

    /// <summary>Frames that the kernel could not put into this worker's rings since the start. Allocation-free.</summary>
    public long ReadSocketDrops(int worker) => _rings.Sources[worker].ReadDrops(out _);

    /// <summary>Never capture this interface from now on (a tool port that was opened later).</summary>
    public void Exclude(int interfaceIndex)
    {
        lock (_lock)
        {
            _excludedIndices.Add(interfaceIndex);
            _excluded.Add(interfaceIndex);
        }

        Refresh();
    }

    /// <summary>Never capture interfaces of these names, and no others by name: mirror sessions have changed.</summary>
    public void ExcludeNames(IReadOnlyCollection<string> names)
    {
        lock (_lock)
        {
            _excludedNames = [.. names];
            _excluded = [.. _excludedIndices];
        }

        Refresh();
    }

    /// <summary>Follows another inventory from now on.</summary>
    public void SetInventory(VmInventory inventory)
    {
        lock (_lock)
        {
            _inventory = inventory;
        }

        Refresh();
    }

    /// <summary>
    /// No frame arrives any more after this. The sources hand out what the rings hold, then return
    /// <see cref="LeaseResult.End"/>; from then on arrived = captured + dropped exactly.
    /// </summary>
    public void StopArrivals()
    {
        lock (_lock)
        {
            if (!_stopped)
            {
                _stopped = true;
                _tunnels.StopArrivals();
                _rings.StopArrivals();
            }
        }
    }

    /// <summary>Frees rings and sockets and stops the watcher. The workers must have stopped leasing.</summary>
    public void Dispose()
    {
        _libvirt?.Dispose();
        _watcher?.Dispose();
        _ovs.Dispose();
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _rings.Dispose();
                _tunnels.Dispose();
                _links.Dispose();
                _workloadInventory.Dispose();
            }
        }
    }

    private static string? Check(LiveCaptureOptions options)
    {
        const int WorkersMax = 64;
        const int SnapLengthMin = 64;
        if (options.Workers is < 0 or > WorkersMax)
        {
            return $"{options.Workers} workers cannot be run; give at most {WorkersMax}.";
        }

        if (options.SnapLength < SnapLengthMin)
        {
            return $"A snap length of {options.SnapLength} bytes cuts into the headers; give at least {SnapLengthMin}.";
        }

        if (options.BlockBytes != 0
            && (options.BlockBytes < 65536 || !System.Numerics.BitOperations.IsPow2(options.BlockBytes)))
        {
            return $"A ring block of {options.BlockBytes} bytes is not possible; give a power of two from 65536 on.";
        }

        return Privileges.MissingForCapture() is { } missing
            ? $"Capturing needs root, or {missing} for this process; start Tapline as root or grant the capabilities."
            : null;
    }

    private static LiveCapture? OpenRings(
        LiveCaptureOptions options, PointSelector selector, LinkInventory links, out string error)
    {
        if (links.ReadAll() is not { } present)
        {
            error = "The kernel does not list its interfaces over netlink.";
            return null;
        }

        var ovs = OvsFollower.Open(options);
        var tunnels = ovs.Check(selector, present) is { } unknown
            ? Refused(unknown, out error)
            : TunnelSet.Open(selector.Tunnels, options.SnapLength, out error);
        var workloads = tunnels is null ? null : WorkloadInventory.Open(out error);
        options = options with { BlockBytes = options.BlockBytes > 0 ? options.BlockBytes : BlockBytesFor(present) };
        var budgetBytes = BudgetBytes(options, selector);
        var rings = workloads is null
            ? null
            : RingSet.Open(options, budgetBytes, selector.MayWantHosts(present, ovs.View), out error);
        if (rings is null)
        {
            workloads?.Dispose();
            tunnels?.Dispose();
            ovs.Dispose();
            return null;
        }

        var capture = new LiveCapture(selector, links, workloads!, rings, tunnels!, ovs, options)
        {
            _budgetNotice = selector.HasInterfaces && budgetBytes < options.RingBudgetBytes
                ? $"The rings get {budgetBytes >> 20} MiB instead of {options.RingBudgetBytes >> 20}: a quarter of the free memory."
                : null,
        };
        for (var worker = 0; worker < options.Workers; worker++)
        {
            rings.Sources[worker].SetTunnels(tunnels!.SocketsOf(worker, options.Workers));
        }

        capture.Refresh();
        capture.NameWorkloads();
        capture._watcher = PointWatcher.Start(capture.Refresh, capture.NameWorkloads, out error);
        if (capture._watcher is null)
        {
            capture.Dispose();
            return null;
        }

        capture._libvirt = LibvirtFollower.Start(options.Libvirt, capture._watcher.NameAgain, out capture._libvirtNotice);
        ovs.Start(capture.Refresh);
        // Links that changed between the first look and the start of the events.
        capture.Refresh();
        return capture;

        static TunnelSet? Refused(string sentence, out string error)
        {
            error = sentence;
            return null;
        }
    }

    // A quarter of what the host can spare at most: the tapped machines come first. Listeners alone need no rings.
    private static long BudgetBytes(LiveCaptureOptions options, PointSelector selector)
    {
        var budgetBytes = Math.Min(options.RingBudgetBytes, HostMemory.AvailableBytes / 4);
        return selector.HasInterfaces
            ? budgetBytes
            : Math.Min(budgetBytes, (long)options.Workers * options.BlockBytes * RingGeometry.BlocksMin);
    }

    private static int BlockBytesFor(Dictionary<int, LinkInfo> links) =>
        links.Values.Any(l => l.GsoBytesMax > RingGeometry.SuperFrameBytesUsual)
            ? RingGeometry.BlockBytesLarge
            : RingGeometry.BlockBytesDefault;

    // Looks at all links and makes rings, maps and the list of points follow. Any control thread.
    private void Refresh()
    {
        bool isDirectoryNew;
        lock (_lock)
        {
            if (_stopped || _disposed || _links.ReadAll() is not { } links)
            {
                return;
            }

            foreach (var index in _workloads.Keys.Where(i => !links.ContainsKey(i)).ToArray())
            {
                _workloads.Remove(index);
            }

            ExcludeNamed(links);
            _ovs.Follow(_selector, links);
            List<SelectedPoint> selected =
            [
                .. _selector.Select(links, _workloads, _excluded, _ovs.View, _inventory), .. _tunnels.Points,
            ];
            var present = _registry.Update(selected);
            _rings.Apply([.. present.Where(p => p.Selected.Kind != PointKind.Tunnel)]);
            foreach (var (id, point) in present)
            {
                _tunnels.Begin(point, id);
            }

            _idlePatterns = [.. _selector.FindIdle(selected)];
            isDirectoryNew = FollowDirectory();
            if (_registry.Generation != _generation)
            {
                Volatile.Write(ref _points, [.. _registry.Points]);
                Volatile.Write(ref _generation, _registry.Generation);
            }
        }

        if (isDirectoryNew)
        {
            DirectoryChanged?.Invoke();
        }

        Looked?.Invoke();
    }

    private bool FollowDirectory()
    {
        var domains = _libvirt?.Domains ?? [];
        if (_registry.Generation != _generation || !ReferenceEquals(_inventory, _directory.Inventory)
            || !ReferenceEquals(domains, _domains))
        {
            _domains = domains;
            Volatile.Write(
                ref _directory, new VmDirectory(_registry.Points, [.. domains.Select(d => d.ToVm())], _inventory));
            return true;
        }

        return false;
    }

    private void ExcludeNamed(Dictionary<int, LinkInfo> links)
    {
        if (_excludedNames.Count == 0)
        {
            return;
        }

        foreach (var link in links.Values)
        {
            if (_excludedNames.Contains(link.Name))
            {
                _excluded.Add(link.Index);
            }
        }
    }

    // Returns true while some workload behind an interface is still unknown. Names thread (and Open).
    private bool NameWorkloads()
    {
        LinkInfo[] links;
        lock (_lock)
        {
            if (_stopped || _disposed || _links.ReadAll() is not { } all)
            {
                return false;
            }

            links = [.. all.Values];
        }

        var domains = _libvirt?.Domains ?? [];
        var found = _workloadInventory.Find(links, domains);
        bool changed;
        lock (_lock)
        {
            changed = !ReferenceEquals(domains, _domains) || found.Count != _workloads.Count
                || found.Any(f => _workloads.GetValueOrDefault(f.Key) != f.Value);
            _workloads = found;
        }

        if (changed)
        {
            Refresh();
        }

        // A NIC that is being plugged in has a tap device before it has an address.
        return links.Any(l => LinkClassifier.LeadsToWorkload(l) && found.GetValueOrDefault(l.Index) is null or { Mac: 0 });
    }
}
