// `tapline replay`: a recording or capture files played into a mirror target. One thread reads ahead, the caller's plays; between
// them a bounded ring. The session is the one that live copies use, so shapes, re-segmentation, tunnels and ledger are the same.
// docs/adr/0067-past.md.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;

namespace Tapline.Workers.Past;

/// <summary>A replay. Made and run on one thread, once.</summary>
public sealed class Replay : IDisposable
{
    private const int ClientPauseMs = 20;
    private readonly ReplayOptions _options;
    private readonly FrameRing _ring = new(Limits.PastRingFrames, Limits.PastRingBytes);
    private readonly CancellationTokenSource _targetEnded = new();
    private readonly MirrorTarget _target;
    private readonly MirrorSession _session;
    private readonly ReplayPoints _points;
    private readonly ReplaySender _sender;
    private readonly long _started = Stopwatch.GetTimestamp();
    private ReplayReader? _reader;

    private Replay(ReplayOptions options, MirrorTarget target, MirrorSession session, LatePoints points)
    {
        _options = options;
        _target = target;
        _session = session;
        _points = new ReplayPoints(session, options.From);
        points.Behind = _points;
        _sender = new ReplaySender(session, _ring, new PastSchedule(options.Speed));
    }

    /// <summary>Opens source and target; null and one sentence when one of them refuses.</summary>
    /// <param name="options">The orders.</param>
    /// <param name="fault">What is wrong.</param>
    /// <param name="isUsage">The orders themselves are.</param>
    public static Replay? Open(ReplayOptions options, out string? fault, out bool isUsage)
    {
        ArgumentNullException.ThrowIfNull(options);
        isUsage = true;
        if (TargetParser.Parse(options.To, out fault) is not { } target)
        {
            return null;
        }

        var shape = ShapeOrders.Read(options.Shape, out fault);
        if (fault is not null)
        {
            return null;
        }

        if (options.IsStandardInput && options.Passes != 1)
        {
            fault = "Standard input can be played once only; leave --loop out, or name a file.";
            return null;
        }

        isUsage = false;
        var points = new LatePoints();
        Replay? replay = null;
        var request = new OutputRequest("replay", target, 1, options.Filter)
        {
            Points = points, Pace = shape?.Pace, OnEnded = () => Volatile.Read(ref replay)?._targetEnded.Cancel(),
        };
        if (OutputOpener.Open(request, out fault) is not { } outputs)
        {
            return null;
        }

        var session = new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "replay", Target = target, Shape = shape, AllPoints = options.From.Count == 0 },
            outputs[0]);
        Volatile.Write(ref replay, new Replay(options, target, session, points));
        if (!replay.OpenSource(out fault, out isUsage))
        {
            replay.Dispose();
            return null;
        }

        return replay;
    }

    /// <summary>Who can be waited for before the first frame: a listener without a client; null = nobody.</summary>
    public string? WaitsFor => _target is PcapOverIpTarget && _session.Clients.Count == 0 ? _target.ToString() : null;

    /// <summary>Plays to the end.</summary>
    /// <param name="progress">Called a few times a second on the calling thread.</param>
    /// <param name="stop">Ends it at once.</param>
    public ReplayReport Run(Action<ReplayReport>? progress, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, _targetEnded.Token);
        while (WaitsFor is not null && !either.IsCancellationRequested)
        {
            Thread.Sleep(ClientPauseMs);
        }

        var reader = _reader!;
        var thread = new Thread(() => reader.ReadAll(either.Token)) { Name = "tl-replay-read", IsBackground = true };
        thread.Start();
        _sender.Run(reader, progress is null ? null : () => progress(Report(isStopped: false)), either.Token);
        var isStopped = either.IsCancellationRequested;
        either.Cancel();
        thread.Join();
        return Report(isStopped);
    }

    public void Dispose()
    {
        _session.Dispose();
        _ring.Dispose();
        _targetEnded.Dispose();
    }

    private bool OpenSource(out string? fault, out bool isUsage)
    {
        _reader = _options.Recording is null
            ? FilesReader.Open(_options, _ring, _points, out fault, out isUsage)
            : RecordingReader.Open(_options, _ring, _points, out fault, out isUsage);
        return _reader is not null;
    }

    private ReplayReport Report(bool isStopped)
    {
        var reader = _reader!;
        var ledger = MirrorTotals.Sum([_session], 0);
        return new ReplayReport
        {
            Read = reader.Read,
            Examined = reader.Examined,
            ReadBytes = reader.ReadBytes,
            TotalBytes = reader.TotalBytes,
            Passes = reader.Passes,
            Ledger = ledger,
            OtherPoints = _sender.Taken - ledger.Offered - Volatile.Read(in _session.Counters.Waiting),
            LateMaxNs = _sender.LateMaxNs,
            LateMeanNs = _sender.LateMeanNs,
            DurationNs = Stopwatch.GetElapsedTime(_started).Ticks * 100,
            OutOfOrder = reader.OutOfOrder,
            IsStopped = isStopped,
            IsLimited = reader.IsLimited,
            SenderAllocatedBytes = _sender.AllocatedBytes,
            Clients = _session.Clients,
            Holes = reader.Holes,
            Faults = reader.IsOver ? [.. reader.Faults] : [],
        };
    }

    // The target is opened before the session that the points select for.
    private sealed class LatePoints : IStreamPoints
    {
        private volatile ReplayPoints? _behind;

        public ReplayPoints Behind
        {
            set => _behind = value;
        }

        public int Generation => _behind?.Generation ?? 0;

        public StreamPoint? Find(ushort pointId) => _behind?.Find(pointId);

        public long DroppedBefore(ushort pointId) => 0;
    }
}
