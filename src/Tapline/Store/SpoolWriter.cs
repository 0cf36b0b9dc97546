// Finished records on their way to the console. The worker copies rows into a native buffer; once a second, or when it
// is full, the buffer's index goes to a thread of its own that checks the budget, writes the file under a hidden name and
// publishes it by rename. The worker never waits for the disk: when all buffers are on their way, records are counted
// as dropped. Nothing is allocated between AddPoint calls. Format: docs/formats/spool.md.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Store;

/// <summary>
/// Writes one worker's records. All calls on the worker's thread unless said otherwise; none blocks but Close.
/// </summary>
public sealed class SpoolWriter : IRecordSink, IDisposable
{
    private const long PublishAgeNs = 1_000_000_000;
    private readonly SpoolBuffer[] _buffers = new SpoolBuffer[Limits.SpoolBatchesPerWorker];
    private readonly HandoverRing _free = new(Limits.SpoolBatchesPerWorker);
    private readonly SpoolPublisher _publisher;
    private readonly SortedDictionary<ushort, PointInfo> _points = [];
    private readonly SortedDictionary<ushort, SessionInfo> _sessions = [];
    private SpoolNames? _names = SpoolNames.Empty;
    private SpoolBuffer _current;
    private int _currentIndex;
    private long _openedNs;
    private long _taken;
    private long _refused;
    private bool _isClosed;

    /// <summary>Starts a writer with its thread.</summary>
    /// <param name="folder">The shared folder; outlives the writer.</param>
    /// <param name="worker">Number of the worker, part of each batch's name.</param>
    /// <param name="node">The node's name; cut to 56 bytes of UTF-8.</param>
    /// <param name="names">Who the ends of flows are where no point tells; null = nobody knows.</param>
    public SpoolWriter(SpoolFolder folder, int worker, string node, IEndpointNames? names = null)
        : this(folder, worker, node, new DiskCalls(), names)
    {
    }

    internal SpoolWriter(SpoolFolder folder, int worker, string node, DiskCalls disk, IEndpointNames? names = null)
    {
        Invariant.Check(BitConverter.IsLittleEndian);
        Invariant.Check(worker is >= 0 and <= ushort.MaxValue);
        for (var index = 0; index < _buffers.Length; index++)
        {
            _buffers[index] = new SpoolBuffer();
            if (index > 0)
            {
                _free.Put(index);
            }
        }

        _current = _buffers[0];
        _publisher = new SpoolPublisher(folder, worker, node, disk, _buffers, _free, names);
    }

    /// <summary>Records taken and not lost later. Any thread.</summary>
    public long RecordsWritten => Volatile.Read(ref _taken) - _publisher.RecordsLost;

    /// <summary>Records lost because the spool was full or the disk failed. Any thread.</summary>
    public long RecordsDropped => Volatile.Read(ref _refused) + _publisher.RecordsLost;

    /// <summary>Batches published. Any thread.</summary>
    public long Batches => _publisher.Batches;

    /// <summary>Why batches can't be written now, as one sentence with the mend; null when all is well. Any thread.</summary>
    public string? StallReason => _publisher.StallReason;

    /// <summary>Describes a point, before its first record or again when it changes. Allocates; rare.</summary>
    public void AddPoint(PointInfo point)
    {
        if (!_points.TryGetValue(point.Id, out var known) || known != point)
        {
            _points[point.Id] = point;
            _names = null;
        }
    }

    /// <summary>Describes a mirror session, before its first record. Allocates; rare.</summary>
    public void AddSession(SessionInfo session)
    {
        _sessions[session.Id] = session;
        _names = null;
    }

    /// <inheritdoc/>
    public void Write(in FlowRecord record)
    {
        if (!_isClosed && (_current.TryAdd(record) || (TryHandOver() && _current.TryAdd(record))))
        {
            _taken++;
        }
        else
        {
            _refused++;
        }
    }

    /// <summary>Takes a copy of a ledger row.</summary>
    public void Write(in LedgerRecord record)
    {
        if (!_isClosed && (_current.TryAdd(record) || (TryHandOver() && _current.TryAdd(record))))
        {
            _taken++;
        }
        else
        {
            _refused++;
        }
    }

    /// <summary>Takes a copy of a mirror ledger row.</summary>
    public void Write(in MirrorLedgerRecord record)
    {
        if (!_isClosed && (_current.TryAdd(record) || (TryHandOver() && _current.TryAdd(record))))
        {
            _taken++;
        }
        else
        {
            _refused++;
        }
    }

    /// <summary>Publishes what has waited for a second. Call once per batch, also when idle.</summary>
    /// <param name="nowNs">Wall clock, ns since the epoch.</param>
    public void EndBatch(long nowNs)
    {
        if (_current.Rows == 0 || _isClosed)
        {
            _openedNs = nowNs;
            return;
        }

        // A clock that was set back must not hold records for as long as it was set back.
        if (nowNs - _openedNs >= PublishAgeNs || nowNs < _openedNs)
        {
            if (TryHandOver())
            {
                _openedNs = nowNs;
            }
        }
    }

    /// <summary>Publishes the rest and ends the writer's thread. Waits for the disk, at most some seconds.</summary>
    public void Close()
    {
        if (_isClosed)
        {
            return;
        }

        if (_current.Rows > 0 && !TryHandOver())
        {
            // All other buffers wait for a disk that does not take them: let the thread try its last, then hand over.
            _publisher.AwaitFreeBuffer();
            if (!TryHandOver())
            {
                _refused += _current.Rows;
                _taken -= _current.Rows;
            }
        }

        _isClosed = true;
        _publisher.Close();
    }

    /// <summary>Closes where that was not done, and releases the buffers.</summary>
    public void Dispose()
    {
        Close();
        if (_publisher.HasEnded)
        {
            foreach (var buffer in _buffers)
            {
                buffer.Dispose();
            }
        }
    }

    private bool TryHandOver()
    {
        if (!_free.TryTake(out var next))
        {
            return false;
        }

        _current.Names = _names ??= new SpoolNames(_points.Values, _sessions.Values);
        _publisher.HandOver(_currentIndex, _refused);
        _currentIndex = next;
        _current = _buffers[next];
        return true;
    }
}
