// What rings: frames, and flows as they stand with the frame; once for a window, once for a flow; nothing is allocated by looking.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Flows;
using Tapline.Tests.Support;
using Tapline.Workers.Triggers;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Workers.Triggers;

public sealed class TriggerEyesTests : IDisposable
{
    private const long StartNs = 1_700_000_000L * Clock.SecondNs;
    private const int Slots = 1024;
    private static readonly TriggerPlan s_resets = new() { Name = "resets", When = "tcp[tcpflags] & tcp-rst != 0" };
    private readonly FlowTable<RecordList> _table = new(FlowTableOptions.Offline with { Capacity = Slots }, new RecordList());
    private long _nowNs = StartNs;

    [Fact]
    public void AWindowRingsOnceUntilItHasPassed()
    {
        using var eyes = new TriggerEyes([s_resets with { AfterNs = Clock.SecondNs }], Slots);
        Play(eyes, Tcp(1, TcpFlag.Syn));
        Assert.False(eyes.Hits.TryTake(out _));
        Play(eyes, Tcp(1, TcpFlag.Rst));
        Play(eyes, Tcp(2, TcpFlag.Rst));
        Assert.True(eyes.Hits.TryTake(out var hit));
        Assert.Equal((0, 1, _nowNs - 2_000_000), (hit.Trigger, hit.HasFlow, hit.TimeNs));
        Assert.Equal(40001, hit.Flow.InitiatorPort);
        Assert.False(eyes.Hits.TryTake(out _));
        _nowNs += Clock.SecondNs;
        Play(eyes, Tcp(2, TcpFlag.Rst));
        Assert.True(eyes.Hits.TryTake(out _));
        Assert.Equal(3, eyes.MatchedOf(0));

        // The clock is set back by an hour: that is no reason to be quiet for an hour.
        _nowNs -= 3600 * Clock.SecondNs;
        Play(eyes, Tcp(3, TcpFlag.Rst));
        Assert.True(eyes.Hits.TryTake(out _));
    }

    [Fact]
    public void AFlowRingsOnceUntilItsSlotIsAnothers()
    {
        using var eyes = new TriggerEyes([s_resets with { Scope = TriggerScope.Flow }], Slots);
        foreach (var flow in (int[])[1, 2, 1, 2, 1])
        {
            Play(eyes, Tcp(flow, TcpFlag.Rst));
        }

        Assert.True(eyes.Hits.TryTake(out var first));
        Assert.True(eyes.Hits.TryTake(out var second));
        Assert.Equal((40001, 40002), (first.Flow.InitiatorPort, second.Flow.InitiatorPort));
        Assert.False(eyes.Hits.TryTake(out _));
        eyes.Forget(Play(eyes, Tcp(1, TcpFlag.Ack)));
        Play(eyes, Tcp(1, TcpFlag.Rst));
        Assert.True(eyes.Hits.TryTake(out _));
    }

    [Fact]
    public void FactsOfAFlowRingWithTheFrameThatMakesThemTrue()
    {
        using var eyes = new TriggerEyes(
            [
                new TriggerPlan
                {
                    Name = "slow", When = "port 80 and retransmissions > 2 and not frames > 100", Scope = TriggerScope.Flow,
                },
            ],
            Slots);
        Play(eyes, Tcp(1, TcpFlag.Ack, length: 100));
        for (var i = 0; i < 3; i++)
        {
            Assert.False(eyes.Hits.TryTake(out _));
            Play(eyes, Tcp(1, TcpFlag.Ack, length: 100));
        }

        Assert.True(eyes.Hits.TryTake(out var hit));
        Assert.Equal(3u, hit.Flow.Initiator.Retransmissions);
        Assert.Equal(_nowNs - 1_000_000, hit.TimeNs);
    }

    [Fact]
    public void ManyHitsAreCountedNotKept()
    {
        using var eyes = new TriggerEyes([s_resets with { Scope = TriggerScope.Flow }], Slots);
        for (var flow = 1; flow <= 100; flow++)
        {
            Play(eyes, Tcp(flow, TcpFlag.Rst));
        }

        var taken = 0;
        while (eyes.Hits.TryTake(out _))
        {
            taken++;
        }

        Assert.Equal(100, taken + eyes.Hits.Overflowed);
        Assert.InRange(taken, 10, 90);
    }

    [Fact]
    public void LookingAllocatesNothing()
    {
        using var eyes = new TriggerEyes(
            [
                s_resets,
                new TriggerPlan { Name = "slow", When = "tcp port 80 and (retransmissions > 100000000 or handshake_rtt > 100s)" },
                new TriggerPlan { Name = "state", When = "state = \"reset\" and host 10.9.9.9", Scope = TriggerScope.Flow },
                new TriggerPlan { Name = "all", When = "tcp", AfterNs = 1_000_000, Scope = TriggerScope.Window },
            ],
            Slots);
        var frame = Tcp(1, TcpFlag.Ack, length: 100);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                Play(eyes, frame);
            }
        }));
        Assert.True(eyes.Hits.Overflowed > 0, "the last of the triggers rings all the time");
    }

    [Theory]
    [InlineData("Resets", "tcp", "name")]
    [InlineData("r", "", "expression")]
    [InlineData("r", "tcp and", "column")]
    [InlineData("r", "latency > 3s", "latency")]
    [InlineData("r", "frames > 1 or bytes > 1 or resets > 1 or keep_alives > 1 or zero_windows > 1", "5 facts")]
    public void MistakesAreToldInASentence(string name, string when, string about)
    {
        var mistake = new TriggerPlan { Name = name, When = when }.Mistake();
        Assert.Contains(about, mistake, StringComparison.Ordinal);
        Assert.EndsWith(".", mistake, StringComparison.Ordinal);
    }

    public void Dispose() => _table.Dispose();

    private static byte[] Tcp(int flow, TcpFlag flags, int length = 0) =>
        new FrameBuilder().Ethernet().Ipv4().Tcp(40000 + flow, 80, flags, 1000, 1).Payload(length).Build();

    // Returns the frame's slot.
    private int Play(TriggerEyes eyes, byte[] frame)
    {
        var meta = new FrameMeta
        {
            TimestampNs = _nowNs, CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet,
        };
        _nowNs += 1_000_000;
        FrameDecoder.Decode(frame, meta, out var layout);
        _table.Prepare(0, layout, frame);
        _table.PrefetchLanes(1);
        var slot = _table.ObservePrepared(0, meta, layout, frame);
        eyes.Look(meta, layout, frame, slot, _table);
        return slot;
    }
}
