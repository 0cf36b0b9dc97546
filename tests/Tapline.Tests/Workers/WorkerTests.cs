// The live worker itself, on a script: whatever targets and disks do, each frame is accounted for at each stage; the same
// seed gives the same records; nothing is allocated from lease to release.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Mirror;
using Tapline.Store;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Workers;

public class WorkerTests
{
    private const int Points = 4;
    private const int FramesPerRun = 20_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void WhateverTheTargetDoesTheLedgerBalancesAndTheSeedDecides(int seed)
    {
        var first = Simulate(seed, out var firstFlows);
        var second = Simulate(seed, out var secondFlows);
        Assert.Equal(first, second);
        Assert.Equal(firstFlows.Count, secondFlows.Count);
        for (var i = 0; i < firstFlows.Count; i++)
        {
            Assert.Equal(firstFlows[i] with { FlowId = 0 }, secondFlows[i] with { FlowId = 0 });
        }
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void ADiskThatFailsAndHangsLosesFramesOnlyIntoTheLedger(int seed)
    {
        var random = new Random(seed);
        var disk = new FaultyDisk();
        var source = Source(seed, random, () =>
        {
            disk.WriteError = random.Next(3) == 0 ? 28 : 0;
            if (random.Next(4) == 0)
            {
                disk.Gate.Reset();
            }
            else
            {
                disk.Gate.Set();
            }
        });
        using var fixture = new WorkerFixture(source, new MemoryOutput { Taken = null }, disk: disk);
        fixture.Book.Set(Points);

        // The script ends with a healthy disk: a hung one is the watchdog's business, not the drain's.
        var end = new Thread(() =>
        {
            while (source.Sent < FramesPerRun)
            {
                Thread.Yield();
            }

            disk.WriteError = 0;
            disk.Gate.Set();
        });
        end.Start();
        fixture.Worker.Run();
        end.Join();
        Assert.Null(fixture.Worker.Fault);
        AssertPointsBalance(fixture);
        Assert.Equal(source.Sent, fixture.Recorder.Recorded + fixture.Recorder.Dropped);
    }

    [Fact]
    public void NothingIsAllocatedFromLeaseToRelease()
    {
        var frames = TraceMaker.Frames(7, 4000);
        var least = long.MaxValue;
        var before = 0L;
        var roundEnd = 20_000;
        var turns = 0;
        var source = new ScriptedSource(frames, Points, s =>
        {
            // 20,000 frames to warm up: every flow is known, every path has been taken once. Then rounds of 100,000: the runtime
            // allocates on any thread now and then, frames would do so in every round.
            if (s.Sent >= roundEnd)
            {
                var now = GC.GetAllocatedBytesForCurrentThread();
                least = before == 0 ? least : Math.Min(least, now - before);
                if (least == 0 || s.Sent >= 500_000)
                {
                    return -1;
                }

                before = now;
                roundEnd = s.Sent + 100_000;
            }

            return ++turns % 7 == 0 ? 0 : 64 + (s.Sent % 193);
        });
        using var fixture = new WorkerFixture(source, new MemoryOutput { Taken = null });
        fixture.Book.Set(Points);
        fixture.Worker.Run();
        Assert.Null(fixture.Worker.Fault);
        Assert.True(source.Sent >= 120_000);
        Assert.Equal(0, least);
    }

    [Fact]
    public void ASlowTargetGetsTheFlowWithRetransmissionsBeforeTheHealthyOnes()
    {
        const int Rounds = 400;
        const int Healthy = 40_000;
        const int Sick = 40_001;
        var frames = new List<byte[]>();
        for (var round = 0; round < Rounds; round++)
        {
            frames.Add(Data(Sick, round));
            for (var i = 0; i < 9; i++)
            {
                frames.Add(Data(Healthy, (round * 9) + i));
            }

            if (round == 20)
            {
                // What has been acknowledged is sent again.
                frames.Add(new FrameBuilder().Ethernet().Ipv4("10.0.0.2", "10.0.0.1").Tcp(80, Sick, TcpFlag.Ack, 1, 2101).Build());
                frames.Add(Data(Sick, 19));
            }
        }

        // It takes one frame in four of those that come; the sick flow is one in ten.
        var output = new MemoryOutput(entries: 128, bufferBytes: 1 << 20) { Appetite = 0 };
        var source = new ScriptedSource(frames, 1, s =>
        {
            output.Appetite += 5;
            return s.Sent >= frames.Count ? -1 : Math.Min(20, frames.Count - s.Sent);
        });
        using var fixture = new WorkerFixture(source, output);
        fixture.Book.Set(1);
        fixture.Worker.Run();
        Assert.Null(fixture.Worker.Fault);
        Assert.Equal(frames.Count, source.Sent);
        var counters = fixture.Mirror.Counters;
        Assert.True(counters.Balances);
        Assert.Equal((0, 0), (counters.DroppedTargetDown, counters.DroppedError));

        // From the resent segment on every frame of the sick flow was taken, of those before only what there was room for.
        var sick = Of(Sick);
        Assert.Superset(Enumerable.Range(21, Rounds - 21 - 128).ToHashSet(), sick.ToHashSet());
        var healthy = Of(Healthy);
        Assert.InRange(healthy.Count, 16, Rounds * 9 / 2);
        Assert.True(counters.DroppedShed >= (Rounds * 9) - healthy.Count - 128, $"shed {counters.DroppedShed}");

        static byte[] Data(int port, int number) => new FrameBuilder().Ethernet().Ipv4()
            .Tcp(port, 80, TcpFlag.Ack, (uint)(1 + (number * 100)), 1).Payload(100).Build();

        List<int> Of(int port) => [.. output.Taken!
            .Where(f => BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(34)) == port)
            .Select(f => (int)((BinaryPrimitives.ReadUInt32BigEndian(f.AsSpan(38)) - 1) / 100))];
    }

    [Fact]
    public void AFaultOfTheSourceEndsTheWorkerAfterItsFramesAreCounted()
    {
        var told = 0;
        var source = new ScriptedSource(TraceMaker.Frames(1, 50), Points, s => s.Sent < 500 ? 50 : -2);
        using var fixture = new WorkerFixture(source, new MemoryOutput { Taken = null });
        var worker = new Worker(0, source, fixture.Pipeline, fixture.Spool, fixture.Book) { OnFault = () => told++ };
        worker.Run();
        Assert.Equal("The script wants a fault.", worker.Fault);
        Assert.Equal(1, told);
        Assert.Equal(500, worker.Counts.ReadTotals().Frames);
        AssertPointsBalance(fixture);
    }

    [Fact]
    public void ADefectInAStageEndsTheWorkerWithASentence()
    {
        var source = new ScriptedSource(TraceMaker.Frames(1, 50), Points, _ => throw new InvalidOperationException("Broken on purpose."));
        using var fixture = new WorkerFixture(source, new MemoryOutput { Taken = null });
        fixture.Worker.Run();
        Assert.Equal("Worker 0 failed: Broken on purpose.", fixture.Worker.Fault);
    }

    private static ScriptedSource Source(int seed, Random random, Action disturb) => new(
        TraceMaker.Frames(seed, 3000), Points, s =>
        {
            if (s.Sent >= FramesPerRun)
            {
                return -1;
            }

            if (random.Next(5) == 0)
            {
                disturb();
            }

            return random.Next(6) == 0 ? 0 : random.Next(1, Limits.BatchFramesMax + 1);
        });

    private static MirrorCounters Simulate(int seed, out List<FlowRecord> flows)
    {
        var random = new Random(seed);
        var output = new MemoryOutput(entries: 512, bufferBytes: 1 << 20) { Taken = null };
        ScriptedBook? book = null;
        var known = Points;
        var source = Source(seed, random, () =>
        {
            output.Up = random.Next(4) != 0;
            output.Appetite = random.Next(3) == 0 ? random.Next(100) : int.MaxValue;
            output.RefuseNext = random.Next(5) == 0 ? DropReason.TooLong : DropReason.None;
            if (random.Next(10) == 0)
            {
                book!.Set(known = Math.Min(known + 1, 16));
            }
        });
        using var fixture = new WorkerFixture(source, output, allPoints: false);
        book = fixture.Book;
        book.Set(Points);
        fixture.Worker.Run();
        Assert.Null(fixture.Worker.Fault);
        AssertPointsBalance(fixture);
        Assert.Equal(source.Sent, fixture.Recorder.Recorded + fixture.Recorder.Dropped);

        var counters = fixture.Mirror.Counters;
        Assert.True(counters.Balances);
        Assert.True(counters.Dropped > 0);
        Assert.Equal(0, counters.Waiting);
        Assert.Equal(source.SentByPoint[0] + source.SentByPoint[2], counters.Offered);
        flows = fixture.Flows();
        Assert.Equal(source.Sent, flows.Sum(f => f.Initiator.Frames + f.Responder.Frames));
        Assert.Equal(flows.Count, fixture.Spool.RecordsWritten);
        return counters;
    }

    private static void AssertPointsBalance(WorkerFixture fixture)
    {
        for (var p = 0; p < Points; p++)
        {
            var counts = fixture.Worker.Counts.ReadPoint(p);
            Assert.Equal(fixture.Source.SentByPoint[p], counts.Captured);
            Assert.Equal(counts.Captured, counts.Analysed + counts.Undecodable);
            Assert.Equal(counts.Captured, counts.Recorded + counts.DroppedRecorder);
            Assert.True(fixture.Recorder.LostByWriter((ushort)p) <= counts.Recorded);
        }
    }
}
