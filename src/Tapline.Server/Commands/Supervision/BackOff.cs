// How long to wait before a part that fell is started again: quickly the first time, then ever more patiently.
namespace Tapline.Server.Commands.Supervision;

/// <summary>Doubling waits, forgotten after a good run. One thread.</summary>
internal sealed class BackOff
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_goodRun = TimeSpan.FromSeconds(60);

    private TimeSpan _next = s_first;

    /// <summary>The wait after a run of this length.</summary>
    public TimeSpan After(TimeSpan run)
    {
        if (run >= s_goodRun)
        {
            _next = s_first;
        }

        var wait = _next;
        _next = TimeSpan.FromTicks(Math.Min(_next.Ticks * 2, s_most.Ticks));
        return wait;
    }
}
