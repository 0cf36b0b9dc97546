// Removes imports whose time is over while an engine runs: once at its start and every ten minutes, on a thread of the pool; at the start
// also what interrupted imports left behind. Says in a sentence what it removed.
namespace Tapline.Workers.Imports;

/// <summary>Watches the imports of a recording. Dispose waits for a removal under way.</summary>
public sealed class ImportExpiry : IDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Timer _timer;
    private bool _hasLookedForLeftovers;

    private ImportExpiry(string recording, Action<string> say) => _timer = new Timer(
        _ =>
        {
            lock (_gate)
            {
                IEnumerable<string> left = _hasLookedForLeftovers ? [] : ImportShelf.SettleLeftovers(recording);
                _hasLookedForLeftovers = true;
                foreach (var sentence in left.Concat(ImportShelf.RemoveExpired(recording, Base.Clock.NowNs())))
                {
                    say(sentence);
                }
            }
        },
        null,
        TimeSpan.Zero,
        s_every);

    /// <summary>Starts. <paramref name="say"/> is called on a thread of the pool.</summary>
    public static ImportExpiry Start(string recording, Action<string> say) => new(recording, say);

    public void Dispose()
    {
        _timer.Dispose();
        lock (_gate)
        {
        }
    }
}
