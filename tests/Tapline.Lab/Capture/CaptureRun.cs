// Runs a live capture to a list of copied frames: for tests that look at what was seen. Opened inside a namespace.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

/// <summary>One captured frame, copied.</summary>
internal sealed record SeenFrame(FrameMeta Meta, byte[] Bytes, int Worker);

/// <summary>A capture whose workers copy all frames.</summary>
internal sealed class CaptureRun : IDisposable
{
    private readonly List<SeenFrame> _frames = [];
    private readonly List<Thread> _threads = [];

    private CaptureRun(LiveCapture capture)
    {
        Capture = capture;
        for (var worker = 0; worker < capture.Sources.Count; worker++)
        {
            var number = worker;
            var thread = new Thread(() => Work(number)) { IsBackground = true };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public LiveCapture Capture { get; }

    /// <summary>What was seen so far.</summary>
    public IReadOnlyList<SeenFrame> Frames
    {
        get
        {
            lock (_frames)
            {
                return [.. _frames];
            }
        }
    }

    public static CaptureRun Start(NetNamespace space, LiveCaptureOptions options)
    {
        var (capture, error) = space.Enter(() => (LiveCapture.Open(options, out var problem), problem));
        Assert.True(capture is not null, error);
        return new CaptureRun(capture);
    }

    /// <summary>Stops arrivals, waits until the workers have drained the rings, checks the ledger of each point.</summary>
    public IReadOnlyList<SeenFrame> Finish()
    {
        Capture.StopArrivals();
        _threads.ForEach(t => Assert.True(t.Join(TimeSpan.FromSeconds(20)), "the worker drains and ends"));
        return Frames;
    }

    public LivePoint Point(string name, PointKind? kind = null) =>
        Capture.Points.Single(p => p.Point.Name == name && (kind is null || p.Point.Kind == kind));

    public PointArrived Arrived(ushort point)
    {
        var all = new PointArrived[64];
        var count = Capture.ReadArrived(all);
        return all.AsSpan(0, count).ToArray().Single(a => a.PointId == point);
    }

    public long Captured(ushort point) => Capture.Sources.Sum(s => s.Captured(point));

    public long Drops() => Enumerable.Range(0, Capture.Sources.Count).Sum(Capture.ReadSocketDrops);

    public void Dispose()
    {
        Capture.StopArrivals();
        _threads.ForEach(t => t.Join(TimeSpan.FromSeconds(20)));
        Capture.Dispose();
    }

    private void Work(int worker)
    {
        var source = Capture.Sources[worker];
        var batch = new FrameBatch();
        while (true)
        {
            switch (source.Lease(batch, 100))
            {
                case LeaseResult.Frames:
                    lock (_frames)
                    {
                        for (var i = 0; i < batch.Count; i++)
                        {
                            _frames.Add(new SeenFrame(batch.Meta(i), batch.Bytes(i).ToArray(), worker));
                        }
                    }

                    source.Release(batch);
                    break;
                case LeaseResult.End or LeaseResult.Faulted:
                    return;
            }
        }
    }
}
