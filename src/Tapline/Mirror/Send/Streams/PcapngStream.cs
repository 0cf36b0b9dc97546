// One session's pcapng stream: takes ready packet blocks from the rings of all workers, in the order of time as far as they
// have come, and gives them to the sink in chunks. A thread of its own, so that neither disk nor network ever holds up a
// worker. It ends when every worker has finished and the rings are empty.
//
// Order: of the blocks that are there, the oldest goes first. What another worker still has in its batch may be older, so
// two packets may stand in the wrong order by the length of a batch (milliseconds); to wait for silent workers would delay
// every packet. The packets of one flow come from one worker and are always in order.
using Tapline.Base.Native;
using Tapline.Mirror.Streams;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Owns rings, sink and thread. Made on a control thread; ends with the last of its outputs.</summary>
internal sealed class PcapngStream
{
    private const int IdleMs = 100;
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(5);
    private readonly BlockRing[] _rings;
    private readonly long[] _next;
    private readonly long[] _ready;
    private readonly bool[] _isGivenUp;
    private readonly StreamChunk _chunk = new();
    private readonly StreamInterfaces _interfaces;
    private readonly WakeSignal _wake;
    private readonly Thread _thread;
    private int _isAsleep;
    private int _unfinished;
    private int _unreleased;
    private volatile bool _isCancelled;

    /// <param name="session">The session's name, for the thread's.</param>
    /// <param name="workers">Outputs.</param>
    /// <param name="parts">What the sink knows too.</param>
    /// <param name="sink">Where chunks go; owned from now on, like the parts.</param>
    public PcapngStream(string session, int workers, StreamParts parts, StreamSink sink)
    {
        _interfaces = parts.Interfaces;
        _wake = parts.Wake;
        Losses = parts.Losses;
        Sink = sink;
        _rings = new BlockRing[workers];
        _next = new long[workers];
        _ready = new long[workers];
        _isGivenUp = new bool[workers];
        for (var w = 0; w < workers; w++)
        {
            _rings[w] = new BlockRing();
        }

        _unfinished = _unreleased = workers;
        _thread = new Thread(Run) { Name = $"tapline-{session}", IsBackground = true };
    }

    /// <summary>Where the packets go.</summary>
    public StreamSink Sink { get; }

    /// <summary>What the stream lacks.</summary>
    public StreamLosses Losses { get; }

    /// <summary>The worker's ring.</summary>
    public BlockRing Ring(int worker) => _rings[worker];

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Worker: there is something to read.</summary>
    public void WakeIfAsleep()
    {
        // What was published must be visible before the other side is believed to be awake; it looks again after it said so.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isAsleep) != 0)
        {
            _wake.Set();
        }
    }

    /// <summary>Worker: what its ring still holds is not waited for any longer.</summary>
    public void GiveUp(int worker)
    {
        Volatile.Write(ref _isGivenUp[worker], true);
        Sink.Hurry();
        _wake.Set();
    }

    /// <summary>Worker: it writes no more.</summary>
    public void FinishOne()
    {
        Interlocked.Decrement(ref _unfinished);
        _wake.Set();
    }

    /// <summary>An output is disposed; with the last one the stream ends and its memory is given back.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _unreleased) > 0)
        {
            return;
        }

        _isCancelled = true;
        Sink.Hurry();
        _wake.Set();

        // A thread that hangs in a dying disk keeps its memory: nobody may take it away under it.
        if ((_thread.ThreadState & ThreadState.Unstarted) != 0 || _thread.Join(s_endLimit))
        {
            Array.ForEach(_rings, r => r.Dispose());
            _chunk.Dispose();
            Sink.Dispose();
            Losses.Dispose();
            _wake.Dispose();
        }
    }

    private void Run()
    {
        while (true)
        {
            // Read before the rings: what was published before this count fell is seen below.
            var isLast = Volatile.Read(ref _unfinished) == 0 || _isCancelled;
            if (Gather())
            {
                Settle(Sink.Take(_chunk));
                _chunk.Clear();
            }
            else if (isLast)
            {
                break;
            }
            else
            {
                Sleep();
            }
        }

        Sink.End();
    }

    private void Sleep()
    {
        Interlocked.Exchange(ref _isAsleep, 1);
        var isEmpty = true;
        for (var w = 0; w < _rings.Length; w++)
        {
            isEmpty &= _rings[w].Ready == _rings[w].Taken;
        }

        Sink.Wait(isEmpty ? IdleMs : 0);
        Volatile.Write(ref _isAsleep, 0);
    }

    // Fills the chunk with the oldest blocks that are there. False when there is none.
    private bool Gather()
    {
        var wanted = Sink.PacketsWanted();
        for (var w = 0; w < _rings.Length; w++)
        {
            var ring = _rings[w];
            _ready[w] = ring.Ready;
            _next[w] = ring.Taken;
            if (_isGivenUp[w] || Sink.WhyDown is not null)
            {
                DropAll(w);
            }
        }

        _interfaces.Follow();
        while (_chunk.HasRoom && _chunk.Packets < wanted && Oldest() is var worker and >= 0)
        {
            ref readonly var block = ref _rings[worker][_next[worker]++];
            _chunk.Add(_rings[worker].BytesOf(block), block.Point, _interfaces.Of(block.Point, block.LinkType));
        }

        return _chunk.Packets > 0;
    }

    private int Oldest()
    {
        var oldest = -1;
        var oldestNs = long.MaxValue;
        for (var w = 0; w < _rings.Length; w++)
        {
            if (_next[w] < _ready[w] && _rings[w][_next[w]].TimestampNs is var timeNs && timeNs < oldestNs)
            {
                oldestNs = timeNs;
                oldest = w;
            }
        }

        return oldest;
    }

    private void Settle(DropReason fate)
    {
        for (var w = 0; w < _rings.Length; w++)
        {
            Settle(w, fate);
        }
    }

    private void Settle(int worker, DropReason fate)
    {
        var ring = _rings[worker];
        for (var number = ring.Taken; number < _next[worker]; number++)
        {
            ring[number].Fate = fate;
        }

        ring.Take(_next[worker]);
    }

    private void DropAll(int worker)
    {
        var ring = _rings[worker];
        for (var number = _next[worker]; number < _ready[worker]; number++)
        {
            Losses.MissInStream(ring[number].Point);
        }

        _next[worker] = _ready[worker];
        Settle(worker, _isGivenUp[worker] ? DropReason.Busy : DropReason.TargetDown);
    }
}
