// A source that follows a script instead of a network: so many frames, nothing for a while, something else happens.
using Tapline.Base;
using Tapline.Capture;

namespace Tapline.Tests.Workers;

/// <summary>Frames of a list, handed out as the script says. Bytes live in pinned arrays for the source's life.</summary>
internal sealed unsafe class ScriptedSource : IFrameSource
{
    private readonly List<byte[]> _pinned = [];
    private readonly Func<ScriptedSource, int> _next;
    private readonly ushort _points;
    private int _sent;

    /// <param name="frames">The frames, used over and over.</param>
    /// <param name="points">Points that the frames are said to come from, in turn: ids 0 to this.</param>
    /// <param name="next">How many frames come now: 0 = nothing, -1 = the end, -2 = a fault.</param>
    public ScriptedSource(IEnumerable<byte[]> frames, int points, Func<ScriptedSource, int> next)
    {
        _points = (ushort)points;
        _next = next;
        foreach (var frame in frames)
        {
            var copy = GC.AllocateUninitializedArray<byte>(frame.Length, pinned: true);
            frame.CopyTo(copy, 0);
            _pinned.Add(copy);
        }
    }

    public string? Fault { get; private set; }

    /// <summary>Frames handed out.</summary>
    public int Sent => _sent;

    /// <summary>Frames of each point.</summary>
    public long[] SentByPoint { get; } = new long[16];

    /// <summary>Time of the last frame handed out.</summary>
    public long NowNs { get; private set; } = 1_700_000_000L * Clock.SecondNs;

    public bool IsDisposed { get; private set; }

    /// <summary>Batches handed out and not given back.</summary>
    public int Leased { get; private set; }

    public LeaseResult Lease(FrameBatch batch, int timeoutMs)
    {
        Assert(Leased == 0);
        batch.Clear();
        var count = _next(this);
        if (count <= 0)
        {
            Fault = count == -2 ? "The script wants a fault." : null;
            return count == 0 ? LeaseResult.Idle : count == -1 ? LeaseResult.End : LeaseResult.Faulted;
        }

        for (var i = 0; i < Math.Min(count, Limits.BatchFramesMax); i++)
        {
            Add(batch);
        }

        Leased = 1;
        return LeaseResult.Frames;
    }

    public void Release(FrameBatch batch)
    {
        batch.Clear();
        Leased = 0;
    }

    public void Dispose() => IsDisposed = true;

    private void Add(FrameBatch batch)
    {
        var bytes = _pinned[_sent % _pinned.Count];
        var point = (ushort)(_sent % _points);
        NowNs += 1000;
        SentByPoint[point]++;
        fixed (byte* address = bytes)
        {
            batch.Add(address) = new FrameMeta
            {
                TimestampNs = NowNs,
                CapturedLength = bytes.Length,
                OriginalLength = bytes.Length,
                PointId = point,
                LinkType = LinkType.Ethernet,
                FrameNumber = ++_sent,
                SourceOffset = -1,
            };
        }
    }

    private static void Assert(bool condition) => Xunit.Assert.True(condition, "a batch was leased before the last was given back");
}
