// Mirror sessions of two workers into one stream, fed from the test's thread: what was offered is remembered, so that what
// comes out can be compared with it.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Mirror.Send.Streams;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

/// <summary>A session with its stream.</summary>
internal sealed class StreamFixture : IDisposable
{
    public const long Start = 1_700_000_000_123_456_789;
    private const int Workers = 2;
    private readonly MirrorSession[] _sessions;
    private long _number;

    public StreamFixture(
        string target, DiskCalls? disk = null, IStreamPoints? points = null, string? expression = null, Action? onEnded = null)
    {
        Assert.True(TryOpen(target, disk ?? new DiskCalls(), points, expression, onEnded, out var outputs, out var error), error);
        _sessions = Array.ConvertAll(outputs, o => new MirrorSession(
            new MirrorSessionOptions { Id = 1, Name = "s", Target = TargetParser.Parse(target, out _)! }, o));
    }

    /// <summary>Times and bytes of all frames that were offered.</summary>
    public List<(long TimestampNs, ushort Point, byte[] Bytes)> Offered { get; } = [];

    public bool IsUp => _sessions.All(s => s.IsTargetUp);

    public string? WhyDown => _sessions[0].WhyDown;

    public IReadOnlyList<StreamClient> Clients => _sessions[0].Clients;

    public static string? Refusal(string target)
    {
        Assert.False(TryOpen(target, new DiskCalls(), null, null, null, out _, out var error));
        return error;
    }

    public MirrorSession Session(int worker) => _sessions[worker];

    /// <summary>Both workers' counters.</summary>
    public long Sum(Func<MirrorCounters, long> field) => _sessions.Sum(s => field(s.Counters));

    /// <summary>Offers one plain frame with a number in it.</summary>
    public void Offer(int bytes = 100, ushort point = 1, int worker = 0)
    {
        var frame = new byte[bytes];
        BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(^8), ++_number);
        var meta = new FrameMeta
        {
            TimestampNs = Start + _number,
            CapturedLength = bytes,
            OriginalLength = bytes,
            PointId = point,
            LinkType = LinkType.Ethernet,
        };
        Offered.Add((meta.TimestampNs, point, frame));
        Offer(meta, frame, worker);
    }

    public void Offer(FrameMeta meta, byte[] frame, int worker = 0)
    {
        FrameDecoder.Decode(frame, meta, out var layout);
        _sessions[worker].Offer(meta, layout, frame);
    }

    public void EndBatch() => Array.ForEach(_sessions, s => s.EndBatch());

    /// <summary>Waits until nothing waits in a ring.</summary>
    public void Drain() => Assert.True(Support.Await.Until(() =>
    {
        EndBatch();
        return Sum(c => c.Waiting) == 0;
    }));

    /// <summary>The sessions' end; the ledger must balance.</summary>
    public void Finish()
    {
        Array.ForEach(_sessions, s => s.Finish());
        Assert.All(_sessions, s => Assert.True(s.Counters.Balances));
        Assert.Equal(0, Sum(c => c.Waiting));
        Dispose();
    }

    public void Dispose() => Array.ForEach(_sessions, s => s.Dispose());

    private static bool TryOpen(
        string text, DiskCalls disk, IStreamPoints? points, string? expression, Action? onEnded, out WireOutput[] outputs,
        out string? error)
    {
        var target = (StreamTarget)TargetParser.Parse(text, out _)!;
        var request = new OutputRequest("s", target, Workers, expression) { Points = points, OnEnded = onEnded };
        outputs = StreamOpener.Open(request, target, disk, out error) ?? [];
        return outputs.Length > 0;
    }
}
