// Notices that a file was replaced or edited, by looking once a second: works on every file system, for a file that
// appears, and for editors that write beside and rename. A change is told when the file has kept still for one look.
namespace Tapline.Server.Config;

/// <summary>
/// Calls back on a pool thread, one call at a time, when a file has changed since this was made. Make it before the file is
/// read, so that no edit falls between reading and watching. Dispose ends it.
/// </summary>
internal sealed class FileWatch : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private Action _changed = static () => { };
    private Timer? _timer;
    private (DateTime, long) _told;
    private (DateTime, long) _seen;

    /// <summary>Notes the file's state; calls nobody yet.</summary>
    public FileWatch(string path)
    {
        Path = path;
        _told = _seen = State();
    }

    /// <summary>Starts to look. Called once.</summary>
    public void Start(Action changed, TimeSpan? interval = null)
    {
        _changed = changed;
        var every = interval ?? s_interval;
        _timer = new Timer(_ => Look(every), null, every, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    public void Dispose()
    {
        using var ended = new ManualResetEvent(false);
        if (_timer?.Dispose(ended) == true)
        {
            ended.WaitOne();
        }
    }

    private void Look(TimeSpan every)
    {
        var state = State();
        if (state == _seen && state != _told && state.Item2 >= 0)
        {
            _told = state;
            _changed();
        }

        _seen = state;
        try
        {
            _timer?.Change(every, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // Ended meanwhile.
        }
    }

    /// <summary>Length -1: there is no such file now.</summary>
    private (DateTime, long) State()
    {
        try
        {
            var info = new FileInfo(Path);
            return info.Exists ? (info.LastWriteTimeUtc, info.Length) : (default, -1);
        }
        catch (IOException)
        {
            return (default, -1);
        }
    }
}
