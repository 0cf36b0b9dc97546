// Follows Open vSwitch's database for as long as a capture lives, and comes back by itself when ovsdb-server was restarted.
// In: the socket's path. Out: the view of the moment, and a call in each turn. Without Open vSwitch it only looks once
// a second whether a socket has appeared. Owner: LiveCapture. Thread: `tapline-ovs`, ends within a quarter second of Dispose.
namespace Tapline.Capture.Ovs;

/// <summary>A thread that keeps the view up to date.</summary>
internal sealed class OvsWatcher : IDisposable
{
    private const int PollMs = 250;
    private const int RetryMs = 1000;
    private readonly string _path;
    private readonly Action<bool> _turn;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stopping = new();
    private OvsSession? _session;
    private OvsView _view;

    private OvsWatcher(string path, OvsSession? session, string? fault, Action<bool> turn)
    {
        _path = path;
        _session = session;
        _view = session?.View ?? OvsView.Empty;
        _turn = turn;
        Fault = fault;
        _thread = new Thread(Watch) { Name = "tapline-ovs", IsBackground = true };
    }

    /// <summary>The database as last seen; when the server is away, as it was before. Any thread.</summary>
    public OvsView View => Volatile.Read(ref _view);

    /// <summary>Why the database cannot be read at the moment; null when it is followed. Any thread.</summary>
    public string? Fault { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>
    /// Looks once, on this thread; <see cref="Start"/> begins to follow. <paramref name="turn"/> is called on the watcher's
    /// thread several times a second, with true after a change.
    /// </summary>
    public static OvsWatcher Open(string path, Action<bool> turn)
    {
        var session = OvsSession.Open(path, out var error);
        return new OvsWatcher(path, session, session is null ? error : null, turn);
    }

    public void Start() => _thread.Start();

    public void Dispose()
    {
        _stopping.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _session?.Dispose();
        _stopping.Dispose();
    }

    private void Watch()
    {
        while (!_stopping.IsSet)
        {
            _turn(_session is null ? TryConnect() : Follow(_session));
        }
    }

    // True after a change of the view or of the connection.
    private bool Follow(OvsSession session)
    {
        var isNew = session.Follow(PollMs);
        if (isNew)
        {
            Volatile.Write(ref _view, session.View);
        }

        if (session.Fault is { } fault)
        {
            // The view stays: the ports are as they were, and what is captured stays captured.
            Fault = fault;
            session.Dispose();
            _session = null;
            isNew = true;
        }

        return isNew;
    }

    private bool TryConnect()
    {
        if (File.Exists(_path) && OvsSession.Open(_path, out _) is { } session)
        {
            _session = session;
            Fault = null;
            Volatile.Write(ref _view, session.View);
            return true;
        }

        _stopping.Wait(RetryMs);
        return false;
    }
}
