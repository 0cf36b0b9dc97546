// Open vSwitch as a live capture sees it: the database followed, Tapline's mirrors kept, what is not seen told. In: options,
// the links of the moment. Out: the view for the selector, notices. Owner: LiveCapture. Calls to the database are made on the
// watcher's thread, never under the capture's lock. Dispose removes what this run left in the database.
using Tapline.Capture.Points;
using Tapline.Capture.Ring;

namespace Tapline.Capture.Ovs;

/// <summary>Follows Open vSwitch for a capture.</summary>
internal sealed class OvsFollower : IDisposable
{
    private readonly OvsWatcher _watcher;
    private readonly OvsMirrors _mirrors;
    private readonly string _path;
    private readonly bool _mirrorsWanted;
    private volatile Order? _order;
    private Order? _done;
    private OvsView? _doneView;
    private Action? _changed;
    private string? _fault;

    private OvsFollower(LiveCaptureOptions options)
    {
        var path = OvsSession.PathOrDefault(options.OvsDatabase);
        _path = path;
        _mirrorsWanted = options.OvsMirror;
        _mirrors = new OvsMirrors(path, options.Node, options.OvsMirror);
        _watcher = OvsWatcher.Open(path, Turn);
    }

    /// <summary>What the capture wants of the moment's links.</summary>
    private sealed record Order(PointSelector Selector, IReadOnlyDictionary<int, LinkInfo> Links);

    /// <summary>The database as last seen. Any thread.</summary>
    public OvsView View => _watcher.View;

    /// <summary>What is not seen or could not be done, one sentence each. Any thread.</summary>
    public IReadOnlyList<string> Notices
    {
        get
        {
            var notices = new List<string>();
            if (Volatile.Read(ref _fault) is { } fault)
            {
                notices.Add(fault);
            }

            if (_order is { Selector.NeedsOvs: true } && _watcher.Fault is { } away)
            {
                notices.Add($"{away} What is captured stays captured; new ports are found when it is back.");
            }

            if (_order is { } order)
            {
                AddUnseen(order, View, notices);
            }

            return notices;
        }
    }

    /// <summary>Connects if there is something to connect to.</summary>
    public static OvsFollower Open(LiveCaptureOptions options) => new(options);

    /// <summary>One sentence when the patterns name what does not exist, or cannot be looked up; null when all is there.</summary>
    public string? Check(PointSelector selector, IReadOnlyDictionary<int, LinkInfo> links) =>
        selector.FindUnknown(links, View, _watcher.Fault)
        ?? (_mirrorsWanted && _watcher.Fault is { } fault ? fault : null);

    /// <summary>Starts to follow; <paramref name="changed"/> is called after each change, on the watcher's thread.</summary>
    public void Start(Action changed)
    {
        _changed = changed;
        _watcher.Start();
    }

    /// <summary>Takes note of the links; what has to be done about them is done on the watcher's thread. Never waits.</summary>
    public void Follow(PointSelector selector, IReadOnlyDictionary<int, LinkInfo> links) => _order = new Order(selector, links);

    public void Dispose()
    {
        _watcher.Dispose();
        if (!_mirrorsWanted)
        {
            return;
        }

        // A fresh look: what was made a moment ago may not have come back to us yet.
        using var session = OvsSession.Open(_path, out _);
        _mirrors.RemoveOwn(session?.View ?? View);
    }

    private void Turn(bool isChanged)
    {
        if (isChanged)
        {
            _changed?.Invoke();
        }

        var order = _order;
        var view = View;
        var isDone = ReferenceEquals(order, _done) && ReferenceEquals(view, _doneView);
        if (order is null || isDone || _watcher.Fault is not null)
        {
            return;
        }

        (_done, _doneView) = (order, view);
        if (!_mirrorsWanted && !view.Bridges.Any(b => order.Selector.WantsOvsBridge(b.Name)))
        {
            // A capture that has nothing to do with Open vSwitch leaves it alone.
            return;
        }

        Volatile.Write(ref _fault, _mirrors.Reconcile(view, [.. order.Links.Values], order.Selector.WantsOvsBridge));
        foreach (var link in order.Links.Values)
        {
            // The kernel gives frames to a device only while it is up.
            if (!link.IsUp && view.Find(link) is { Owner.IsSelf: true })
            {
                InterfaceUp.Set(link.Name);
            }
        }
    }

    private void AddUnseen(Order order, OvsView view, List<string> notices)
    {
        const int NamesMax = 8;
        var links = order.Links.Values.ToArray();
        foreach (var bridge in view.Bridges.Where(b => order.Selector.WantsOvsBridge(b.Name)))
        {
            if (!_mirrorsWanted && view.NeedingMirror(bridge.Name, links).ToArray() is { Length: > 0 } unseen)
            {
                var names = string.Join(", ", unseen.Take(NamesMax).Select(p => HostileText.Clean(p.Name)));
                notices.Add($"{unseen.Length} port(s) of `{HostileText.Clean(bridge.Name)}` are not seen by packet sockets ({names}); "
                    + "let Open vSwitch copy them with --ovs-mirror.");
            }

            foreach (var patch in view.Ports.Where(p => p.Bridge == bridge.Name && p.IsPatch))
            {
                if (view.Ports.FirstOrDefault(p => p.Name == patch.PatchPeer)?.Bridge is { } peer
                    && !order.Selector.WantsOvsBridge(peer))
                {
                    var name = HostileText.Clean(peer);
                    notices.Add($"What enters `{HostileText.Clean(bridge.Name)}` by its patch from `{name}` is seen only where it enters "
                        + $"`{name}`; observe ovs:{name} too.");
                }
            }
        }
    }
}
