// The thread that keeps the rules of all folders of a recording while nobody writes: age, the disk's free room, holds that
// were added or removed. Looks once a second; allocates nothing while no hold changes. Says first what their opening repaired.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record;

/// <summary>Keeps folders. Made on the control thread; disposed before the folders are.</summary>
public sealed class RetentionKeeper : IDisposable
{
    private const int TickMs = 1000;

    /// <summary>Twice the calls after which the runtime compiles a method for good.</summary>
    private const int WarmUpTurns = 64;

    private readonly SegmentFolder[] _folders;
    private readonly Action<string> _tell;
    private readonly string?[] _told;
    private readonly DiskCalls _disk;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="folders">The folders; outlive the keeper.</param>
    /// <param name="tell">Gets a sentence when a rule can't be kept, and when it can again. The keeper's thread.</param>
    public RetentionKeeper(SegmentFolder[] folders, Action<string> tell)
        : this(folders, tell, new DiskCalls())
    {
    }

    internal RetentionKeeper(SegmentFolder[] folders, Action<string> tell, DiskCalls disk)
    {
        _folders = folders;
        _tell = tell;
        _told = new string?[folders.Length];
        _disk = disk;
        _thread = new Thread(Run) { Name = "tl-keep", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        foreach (var folder in _folders)
        {
            if (folder.Repairs is { } repairs)
            {
                _tell(repairs);
            }
        }

        for (var turn = 0; turn < WarmUpTurns && !_stop.IsSet; turn++)
        {
            Look();
        }

        while (!_stop.Wait(TickMs))
        {
            Look();
        }
    }

    private void Look()
    {
        for (var index = 0; index < _folders.Length; index++)
        {
            _folders[index].Keep(_disk, Clock.NowNs());
            var notice = _folders[index].Notice;
            if ((object?)notice != _told[index] && notice != _told[index])
            {
                _told[index] = notice;
                _tell(notice ?? $"The rules of {_folders[index].Path} are kept again.");
            }
        }
    }
}
