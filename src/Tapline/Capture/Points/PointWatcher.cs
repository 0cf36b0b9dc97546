// Watches the kernel's link events and asks its owner to look again, within milliseconds; looks by itself every few seconds
// in case an event was lost (an allocation-free fingerprint of all links tells whether anything changed).
// Finding out who stands behind a port may take long and happens on a second thread.
// Owner: LiveCapture. Threads: `tapline-points`, `tapline-names`; both end within a quarter second of Dispose.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Points;

/// <summary>Two threads that keep the points up to date.</summary>
internal sealed class PointWatcher : IDisposable
{
    private const int PollMs = 250;
    private const int CoalesceMs = 20;
    private const int PollsPerCheck = 8;
    private const int NamingPauseFirstMs = 100;
    private const int NamingPauseMaxMs = 2000;
    private readonly NetlinkSocket _events;
    private readonly LinkInventory _links;
    private readonly Action _changed;
    private readonly Func<bool> _nameAll;
    private readonly AutoResetEvent _namingWanted = new(false);
    private readonly Thread _pointsThread;
    private readonly Thread _namesThread;
    private volatile bool _stopping;

    private PointWatcher(NetlinkSocket events, LinkInventory links, Action changed, Func<bool> nameAll)
    {
        _events = events;
        _links = links;
        _changed = changed;
        _nameAll = nameAll;
        _pointsThread = new Thread(WatchPoints) { Name = "tapline-points", IsBackground = true };
        _namesThread = new Thread(NameWorkloads) { Name = "tapline-names", IsBackground = true };
    }

    /// <summary>
    /// Starts watching. <paramref name="changed"/> is called on the points thread after a change of links;
    /// <paramref name="nameAll"/> on the names thread, and returns true while some workload has no name yet.
    /// </summary>
    public static PointWatcher? Start(Action changed, Func<bool> nameAll, out string error)
    {
        if (NetlinkSocket.Open(Netlink.RTNLGRP_LINK, out error) is not { } events)
        {
            return null;
        }

        if (LinkInventory.Open(out error) is not { } links)
        {
            events.Dispose();
            return null;
        }

        var watcher = new PointWatcher(events, links, changed, nameAll);
        // Threads inherit the network namespace of the thread that starts them.
        watcher._pointsThread.Start();
        watcher._namesThread.Start();
        return watcher;
    }

    /// <summary>Asks for the names again: somebody knows more. Any thread.</summary>
    public void NameAgain()
    {
        if (!_stopping)
        {
            _namingWanted.Set();
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _namingWanted.Set();
        _pointsThread.Join();
        _namesThread.Join();
        _events.Dispose();
        _links.Dispose();
        _namingWanted.Dispose();
    }

    private void WatchPoints()
    {
        var quietPolls = 0;
        var fingerprint = _links.Fingerprint();
        while (!_stopping)
        {
            if (_events.WaitForEvents(PollMs))
            {
                _events.DrainEvents();
                quietPolls = 0;
            }
            else if (++quietPolls < PollsPerCheck || _links.Fingerprint() == fingerprint)
            {
                quietPolls %= PollsPerCheck;
                continue;
            }

            _changed();
            fingerprint = _links.Fingerprint();
            _namingWanted.Set();
            // A VM's start is a dozen events: look once for all that come together.
            Thread.Sleep(CoalesceMs);
        }
    }

    private void NameWorkloads()
    {
        // A few tries: a namespace gets its interface before its name, a tap device exists before its VM.
        const int TriesMax = 10;
        var triesLeft = 0;
        var pauseMs = NamingPauseFirstMs;
        while (!_stopping)
        {
            if (_namingWanted.WaitOne(triesLeft > 0 ? pauseMs : Timeout.Infinite))
            {
                triesLeft = TriesMax;
                pauseMs = NamingPauseFirstMs;
            }
            else
            {
                pauseMs = Math.Min(pauseMs * 2, NamingPauseMaxMs);
            }

            if (!_stopping)
            {
                triesLeft = _nameAll() ? triesLeft - 1 : 0;
            }
        }
    }
}
