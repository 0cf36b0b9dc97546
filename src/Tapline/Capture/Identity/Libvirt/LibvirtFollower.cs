// What libvirt knows of the machines here, kept up to date: connects to the daemons, listens to their events, looks again by
// itself once a minute, connects again when one was away. In: URIs. Out: all domains, as an immutable list swapped as a whole.
// Owner: the capture. All work is done on the libvirt thread; a daemon that hangs holds up only that one.
using System.Runtime.InteropServices;
using Tapline.Base;

namespace Tapline.Capture.Identity;

/// <summary>Follows libvirt daemons.</summary>
internal sealed class LibvirtFollower : IDisposable
{
    /// <summary>The daemon that is asked when nobody names another.</summary>
    public const string DefaultUri = "qemu:///system";

    private const int TurnMs = 250;
    private const int RetryMsMin = 1000;
    private const int RetryMsMax = 15_000;
    private const int LookMs = 60_000;
    private const int EndMs = 1000;

    // Where the daemons listen, one for all or one for QEMU: without them there is nobody to ask.
    private static readonly string[] s_defaultSockets = ["/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"];
    private readonly Daemon[] _daemons;
    private readonly Action _changed;
    private readonly ManualResetEventSlim _looked = new();
    private readonly ManualResetEventSlim _ended = new();
    private GCHandle _self;
    private int _timer = -1;
    private LibvirtDomain[] _domains = [];
    private string[] _notices = [];
    private volatile bool _isStopping;

    private LibvirtFollower(IEnumerable<string> uris, Action changed)
    {
        _daemons = [.. uris.Distinct().Select(u => new Daemon(u))];
        _changed = changed;
    }

    private sealed class Daemon(string uri)
    {
        public string Uri => uri;

        public LibvirtConnection? Connection { get; set; }

        public Dictionary<string, LibvirtDomain> Domains { get; set; } = [];

        public string? Fault { get; set; }

        public long NextTryMs { get; set; }

        public int PauseMs { get; set; } = RetryMsMin;

        public long NextLookMs { get; set; }
    }

    /// <summary>True when a daemon of the default URI listens on this host.</summary>
    public static bool IsDaemonHere => Array.Exists(s_defaultSockets, File.Exists);

    /// <summary>All domains known now; another list after each change. Any thread.</summary>
    public IReadOnlyList<LibvirtDomain> Domains => Volatile.Read(ref _domains);

    /// <summary>What cannot be asked, one sentence each; nothing about a default daemon that is not there. Any thread.</summary>
    public IReadOnlyList<string> Notices => Volatile.Read(ref _notices);

    /// <summary>
    /// Starts to follow; null when nobody is to be asked. <paramref name="changed"/> is called on the libvirt thread after each
    /// change of <see cref="Domains"/>.
    /// </summary>
    /// <param name="uris">The daemons; null = the default one, which need not be there.</param>
    /// <param name="changed">Called after changes.</param>
    /// <param name="notice">One sentence when daemons were named and the library is missing.</param>
    public static LibvirtFollower? Start(IReadOnlyList<string>? uris, Action changed, out string? notice)
    {
        notice = null;
        if (uris is { Count: 0 })
        {
            return null;
        }

        if (!LibvirtCalls.IsAvailable)
        {
            notice = uris is null
                ? null
                : "libvirt cannot be asked: its client library libvirt.so.0 is not installed (Debian: libvirt0, Fedora: libvirt-libs).";
            return null;
        }

        var follower = new LibvirtFollower(uris ?? [DefaultUri], changed);
        follower._self = GCHandle.Alloc(follower);
        follower._timer = LibvirtLoop.Add(follower._self, TurnMs);
        if (follower._timer < 0)
        {
            notice = "libvirt cannot be asked: its client library does not start.";
            follower._self.Free();
            return null;
        }

        LibvirtCalls.EventUpdateTimeout(follower._timer, 0);
        return follower;
    }

    /// <summary>Waits until all daemons have been asked once or cannot be; false when that takes too long.</summary>
    public bool WaitForFirstLook(TimeSpan limit) => _looked.Wait(limit);

    /// <summary>Closes the connections; a daemon that hangs is left to the libvirt thread.</summary>
    public void Dispose()
    {
        _isStopping = true;
        LibvirtCalls.EventUpdateTimeout(_timer, 0);
        _ended.Wait(EndMs);
    }

    /// <summary>One turn on the libvirt thread: connect, look, take over what changed.</summary>
    internal void Turn()
    {
        if (_ended.IsSet)
        {
            return;
        }

        LibvirtCalls.EventUpdateTimeout(_timer, TurnMs);
        if (_isStopping)
        {
            Array.ForEach(_daemons, d => d.Connection?.Dispose());
            LibvirtLoop.Remove(_timer);
            _self.Free();
            _ended.Set();
            return;
        }

        var isChanged = false;
        foreach (var daemon in _daemons)
        {
            isChanged |= Follow(daemon, Environment.TickCount64);
        }

        if (isChanged)
        {
            Volatile.Write(ref _notices, [.. _daemons.Select(d => d.Fault).OfType<string>()]);
            LibvirtDomain[] domains = [.. _daemons.SelectMany(d => d.Domains.Values).Take(Limits.LibvirtDomainsMax)];
            Volatile.Write(ref _domains, domains);
            _changed();
        }

        _looked.Set();
    }

    // True when domains or the fault are others now.
    private bool Follow(Daemon daemon, long nowMs)
    {
        if (daemon.Connection is { IsAlive: false } lost)
        {
            lost.Dispose();
            daemon.Connection = null;
            daemon.NextTryMs = 0;
            // What it said stays said: machines run on while their manager is updated.
            daemon.Fault = $"libvirt at {daemon.Uri} has gone away; what it said last stays until it is back.";
            return true;
        }

        if (daemon.Connection is null)
        {
            return nowMs >= daemon.NextTryMs && Connect(daemon, nowMs);
        }

        if (nowMs >= daemon.NextLookMs)
        {
            return LookAtAll(daemon, nowMs);
        }

        var isChanged = false;
        foreach (var uuid in daemon.Connection.Changed)
        {
            isChanged = true;
            if (daemon.Connection.Read(uuid) is { } domain)
            {
                daemon.Domains[uuid] = domain;
            }
            else
            {
                daemon.Domains.Remove(uuid);
            }
        }

        daemon.Connection.Changed.Clear();
        return isChanged;
    }

    private bool Connect(Daemon daemon, long nowMs)
    {
        daemon.NextTryMs = nowMs + daemon.PauseMs;
        if (daemon.Uri == DefaultUri && !IsDaemonHere)
        {
            return false;
        }

        daemon.Connection = LibvirtConnection.Open(
            daemon.Uri, () => LibvirtCalls.EventUpdateTimeout(_timer, 0), out var error);
        if (daemon.Connection is not null)
        {
            daemon.PauseMs = RetryMsMin;
            return LookAtAll(daemon, nowMs);
        }

        daemon.PauseMs = Math.Min(daemon.PauseMs * 2, RetryMsMax);
        var fault = $"libvirt at {Points.HostileText.Clean(daemon.Uri)} cannot be asked: {error.TrimEnd('.')}.";
        var isNew = daemon.Fault != fault;
        daemon.Fault = fault;
        return isNew;
    }

    private static bool LookAtAll(Daemon daemon, long nowMs)
    {
        daemon.NextLookMs = nowMs + LookMs;
        daemon.Connection!.Changed.Clear();
        if (daemon.Connection.ReadAll(out var error) is not { } domains)
        {
            daemon.Fault = $"libvirt at {daemon.Uri} does not list its machines: {error.TrimEnd('.')}.";
            return true;
        }

        daemon.Domains = domains;
        daemon.Fault = null;
        return true;
    }
}
