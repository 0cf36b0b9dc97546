// The thread that turns full buffers into files. It owns a buffer from HandOver until it puts the index into the ring of
// free ones. A failed batch is tried again with growing pauses until it succeeds or the writer closes; meanwhile the
// worker fills the other buffers, then counts. fdatasync before rename: a published batch survives a power cut.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Store;

/// <summary>Writes batches for one <see cref="SpoolWriter"/>. One own thread.</summary>
internal sealed class SpoolPublisher
{
    private const int PauseMsMin = 50;
    private const int PauseMsMax = 2000;
    private const int CloseTimeoutMs = 5000;
    private static ReadOnlySpan<byte> Zeros => [0, 0, 0, 0, 0, 0, 0, 0];
    private readonly SpoolFolder _folder;
    private readonly DiskCalls _disk;
    private readonly SpoolBuffer[] _buffers;
    private readonly HandoverRing _free;
    private readonly HandoverRing _full = new(Limits.SpoolBatchesPerWorker);
    private readonly WakeSignal _wake = new();
    private readonly ManualResetEventSlim _freed = new();
    private readonly PathBuffer _hidden;
    private readonly PathBuffer _published;
    private readonly Thread _thread;
    private readonly SpoolEndpoints? _endpoints;
    private readonly byte[] _node;
    private readonly ushort _worker;
    private readonly ulong _instance;
    private long _sequence;
    private long _refused;
    private long _lost;
    private long _batches;
    private string? _stallReason;
    private volatile bool _isGivingUp;
    private volatile bool _isClosing;

    public SpoolPublisher(
        SpoolFolder folder, int worker, string node, DiskCalls disk, SpoolBuffer[] buffers, HandoverRing free,
        IEndpointNames? names)
    {
        _endpoints = names is null ? null : new SpoolEndpoints(names);
        _folder = folder;
        _disk = disk;
        _buffers = buffers;
        _free = free;
        _worker = (ushort)worker;
        _node = SpoolNames.EncodeText(node, SpoolLayout.NodeBytes);
        _instance = (ulong)Random.Shared.NextInt64();
        _hidden = new PathBuffer(folder.Path);
        _published = new PathBuffer(folder.Path);

        // From the clock, so that names sort by time over restarts although ingested batches leave no trace.
        _sequence = Math.Max(folder.FirstSequence, DateTimeOffset.UtcNow.ToUnixTimeSeconds() * 100);
        _thread = new Thread(Run) { Name = $"tl-spool-{worker}", IsBackground = true };
        _thread.Start();
    }

    public long RecordsLost => Volatile.Read(ref _lost);

    public long Batches => Volatile.Read(ref _batches);

    public string? StallReason => Volatile.Read(ref _stallReason);

    public bool HasEnded => !_thread.IsAlive;

    /// <summary>Passes a buffer to the thread. Worker's thread.</summary>
    public void HandOver(int buffer, long refused)
    {
        Volatile.Write(ref _refused, refused);
        _full.Put(buffer);
        _wake.Set();
    }

    /// <summary>Makes the thread give up what fails, and waits until one buffer is free. Worker's thread, at close.</summary>
    public void AwaitFreeBuffer()
    {
        _isGivingUp = true;
        _wake.Set();
        _ = _freed.Wait(CloseTimeoutMs);
    }

    /// <summary>Ends the thread after the batches handed over. Waits, but not for ever.</summary>
    public void Close()
    {
        _isClosing = true;
        _wake.Set();
        _ = _thread.Join(CloseTimeoutMs);
        if (HasEnded)
        {
            _wake.Dispose();
            _freed.Dispose();
        }
    }

    private void Run()
    {
        while (true)
        {
            // Read before looking: what is handed over before closing is always seen.
            var isClosing = _isClosing;
            if (_full.TryTake(out var index))
            {
                Publish(_buffers[index]);
                _buffers[index].Clear();
                _free.Put(index);
                if (_isGivingUp)
                {
                    _freed.Set();
                }
            }
            else if (isClosing && _full.Count == 0)
            {
                return;
            }
            else
            {
                _wake.Wait(-1);
            }
        }
    }

    private void Publish(SpoolBuffer buffer)
    {
        var pauseMs = PauseMsMin;
        if (_endpoints is not null && buffer.Flows.Length > 0)
        {
            _endpoints.Collect(buffer.Flows, buffer.Names.Strings);
            buffer.Endpoints = _endpoints;
        }

        while (true)
        {
            var isLastTry = _isGivingUp || _isClosing;
            var result = TryPublish(buffer);
            if (result == 0)
            {
                Volatile.Write(ref _stallReason, null);
                Volatile.Write(ref _batches, _batches + 1);
                return;
            }

            Volatile.Write(ref _stallReason, Sentence(result));
            if (isLastTry)
            {
                Volatile.Write(ref _lost, _lost + buffer.Rows);
                return;
            }

            _wake.Wait(pauseMs);
            pauseMs = Math.Min(pauseMs * 2, PauseMsMax);
        }
    }

    private int TryPublish(SpoolBuffer buffer)
    {
        var header = buffer.BuildHeader(
            new SpoolIdentity(_node, _instance, _worker, _sequence, Volatile.Read(ref _refused) + _lost));
        var bytes = System.Buffers.Binary.BinaryPrimitives.ReadInt64LittleEndian(header[48..]);
        if (!_folder.TryReserve(bytes))
        {
            return -NativeFile.EDQUOT;
        }

        Name(_hidden.Reset().Add("."u8));
        var result = WriteHidden(buffer, header);
        if (result == 0)
        {
            result = PublishHidden();
        }

        if (result == 0)
        {
            _sequence++;
            return 0;
        }

        _ = _disk.Remove(_hidden.Path);
        _folder.Release(bytes);
        return result;
    }

    private int WriteHidden(SpoolBuffer buffer, ReadOnlySpan<byte> header)
    {
        // A leftover of a failed try under the same name is ours alone: the folder is locked.
        _ = _disk.Remove(_hidden.Path);
        var fd = _disk.Open(_hidden.Path, NativeFile.O_WRONLY | NativeFile.O_CREAT | NativeFile.O_EXCL);
        if (fd < 0)
        {
            return fd;
        }

        var result = _disk.WriteAll(fd, header, 0);
        var end = SpoolLayout.HeaderBytes;
        for (ushort kind = SpoolLayout.StringsKind; kind <= SpoolLayout.LastKind && result == 0; kind++)
        {
            var bytes = buffer.Section(kind, out _);
            if (bytes.Length > 0)
            {
                var offset = SpoolLayout.Align(end);
                result = _disk.WriteAll(fd, Zeros[..(offset - end)], end);
                result = result == 0 ? _disk.WriteAll(fd, bytes, offset) : result;
                end = offset + bytes.Length;
            }
        }

        result = result == 0 ? _disk.SyncData(fd) : result;
        var closed = _disk.Close(fd);
        return result == 0 ? closed : result;
    }

    private int PublishHidden()
    {
        Name(_published.Reset());
        var result = _disk.Publish(_hidden.Path, _published.Path);
        if (result == -NativeFile.EEXIST)
        {
            // Only a clock set back can lead here; the header's instance still tells the two batches apart.
            _sequence++;
        }

        return result;
    }

    private void Name(PathBuffer path) =>
        path.Add(_sequence, 12).Add("-"u8).Add(_worker, 1).Add(".batch"u8);

    private string Sentence(int result) => result == -NativeFile.EDQUOT
        ? $"The spool {_folder.Path} holds its budget of {_folder.BudgetBytes} bytes; start the console, which ingests it, "
            + "or enlarge the budget. Newer records are counted as dropped until then."
        : $"The spool {_folder.Path} can't be written: {NativeFile.Describe(result)}; records are kept in memory as far as "
            + "they fit and written when it can be.";
}
