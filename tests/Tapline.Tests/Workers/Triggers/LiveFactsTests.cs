// Facts of flows set a trigger off while the flow runs, at the frame that makes them true, once; what can still turn waits for the end.
// A real flow table judges frames that are built byte by byte.
using CsCheck;
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

public class LiveFactsTests
{
    private const TcpFlag Ack = TcpFlag.Ack;
    private const long Second = Clock.SecondNs;

    [Fact]
    public void ACounterFiresAtTheFrameThatPassesItsLimitAndOnce()
    {
        using var stage = new Stage("port 80 and retransmissions > 2");
        stage.Script.Handshake().Client(Ack, 1001, 5001, length: 100);
        stage.Script.Client(Ack, 1001, 5001, length: 100).Client(Ack, 1001, 5001, length: 100);
        Assert.Empty(stage.Fired);
        stage.Script.Client(Ack, 1001, 5001, length: 100);
        var fired = Assert.Single(stage.Fired);
        Assert.Equal((stage.Script.NowNs, stage.Script.NowNs, 1), (fired.FirstNs, fired.LastNs, fired.HasFlow));
        Assert.Equal(3u, fired.Flow.Initiator.Retransmissions);
        stage.Script.Client(Ack, 1001, 5001, length: 100).Client(TcpFlag.Rst, 1001);
        stage.Script.End();
        Assert.Single(stage.Fired);
    }

    [Theory]
    [InlineData("bytes > 1kB")]
    [InlineData("payload_bytes >= 1000 and frames > 5 and retransmissions != 0")]
    [InlineData("handshake_rtt > 1ms and bytes > 500 and app http")]
    [InlineData("event = tcp.retransmission and state established")]
    [InlineData("event contains retrans")]
    [InlineData("event retransmission and duration > 2ms")]
    public void FiresWhileTheFlowRuns(string when)
    {
        using var stage = new Stage(when);
        stage.Script.Handshake();
        for (uint i = 0; i < 10; i++)
        {
            stage.Script.Client(Ack, 1001 + (100 * i), 5001, length: 100);
        }

        stage.Script.Client(Ack, 1001, 5001, length: 100, afterUs: 300_000);
        Assert.Single(stage.Fired);
    }

    [Theory]
    [InlineData("frames < 10")]
    [InlineData("state syn_unanswered")]
    [InlineData("end_reason end_of_input and frames > 0")]
    [InlineData("event != tcp.reset")]
    [InlineData("retransmissions = 0")]
    [InlineData("state != established")]
    public void WhatCanTurnFiresAtTheEnd(string when)
    {
        using var stage = new Stage(when);
        stage.Script.Client(TcpFlag.Syn, 1000).Client(TcpFlag.Syn, 1000, afterUs: 1000);
        Assert.Empty(stage.Fired);
        if (when.StartsWith("retr", StringComparison.Ordinal))
        {
            stage.Script.Play(new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Build());
            stage.Script.End();
            Assert.Empty(stage.Fired); // a SYN was sent again, and a datagram is no TCP
            return;
        }

        stage.Script.End();
        var fired = Assert.Single(stage.Fired);
        Assert.Equal((fired.Flow.StartNs, stage.Script.NowNs), (fired.FirstNs, fired.LastNs));
    }

    [Fact]
    public void PartsOfALongFlowCountTogether()
    {
        var options = FlowTableOptions.Offline with { Capacity = 64, ActiveTimeoutNs = Second };
        using var stage = new Stage("retransmissions > 3 and bytes > 1kB and duration >= 4s", options);
        stage.Script.Handshake();
        for (uint i = 0; i < 4; i++)
        {
            Assert.Empty(stage.Fired);
            stage.Script.Client(Ack, 1001 + (200 * i), 5001, length: 200, afterUs: 1_000_000);
            stage.Script.Client(Ack, 1001 + (200 * i), 5001, length: 200);
        }

        Assert.Single(stage.Fired);
        Assert.InRange(stage.Fired[0].Flow.Part, 3, 6);
        stage.Script.End();
        Assert.Single(stage.Fired);
    }

    [Fact]
    public void AWholeFlowIsFollowedFromItsFirstFrameToItsLast()
    {
        var options = FlowTableOptions.Offline with { Capacity = 64, ActiveTimeoutNs = Second };
        using var stage = new Stage("tcp[tcpflags] & tcp-push != 0", options, isOfFlow: true);
        stage.Script.Handshake();
        var beganNs = stage.Script.NowNs - (2 * 1_000_000);
        stage.Script.Client(Ack, 1001, 5001, length: 100, afterUs: 2_000_000).Client(Ack, 1101, 5001, length: 100, afterUs: 2_000_000);
        stage.Script.Client(Ack | TcpFlag.Psh, 1201, 5001, length: 10).Client(Ack | TcpFlag.Psh, 1211, 5001, length: 10);
        var fired = Assert.Single(stage.Fired);
        Assert.Equal(beganNs, fired.FirstNs);
        Assert.InRange(fired.Followed, 1, Limits.TriggerFollowedMax);
        Assert.False(stage.Watch.TryTakeEnd(fired.Followed, out _));
        stage.Script.Client(Ack, 1221, 5001, length: 10, afterUs: 3_000_000);
        Assert.False(stage.Watch.TryTakeEnd(fired.Followed, out _));
        stage.Script.End();
        Assert.True(stage.Watch.TryTakeEnd(fired.Followed, out var endNs));
        Assert.Equal(stage.Script.NowNs, endNs);
        Assert.False(stage.Watch.TryTakeEnd(fired.Followed, out _));
    }

    [Fact]
    public void WhoGivesAFlowUpGetsItsPlaceBackWithItsEnd()
    {
        using var flows = new TriggerFlows([TriggerFilter.Compile("tcp", out _, isOfFlow: true)!], 1024);
        var record = new FlowRecord { EndReason = FlowEndReason.Idle };
        for (var round = 0; round < 3; round++)
        {
            for (var slot = 0; slot < Limits.TriggerFollowedMax; slot++)
            {
                Assert.Equal(slot + 1, flows.Follow(slot));
            }

            Assert.Equal(0, flows.Follow(1000));
            for (var slot = 0; slot < Limits.TriggerFollowedMax; slot++)
            {
                if (slot % 2 == 0)
                {
                    flows.GiveUp(slot + 1);
                }

                flows.End(slot, record);
                if (slot % 3 == 0)
                {
                    flows.GiveUp(slot + 1); // the end came first
                }
                else
                {
                    Assert.Equal(slot % 2 != 0, flows.TryTakeEnd(slot + 1, out _));
                }
            }
        }
    }

    [Fact]
    public void LiveAndAtTheEndAreTheSameFlows() =>
        Gen.Select(Gen.Int[0, 5].Array[1, 30], Gen.Int[0, 4]).Sample(
            random =>
            {
                var (steps, which) = random;
                string[] facts =
                    ["retransmissions > 1", "event tcp.zero_window", "bytes > 600", "state contains reset", "duplicate_acks >= 2"];
                using var stage = new Stage(facts[which]);
                uint next = 1001;
                stage.Script.Handshake();
                foreach (var step in steps)
                {
                    _ = step switch
                    {
                        0 => stage.Script.Client(Ack, next, 5001, length: 50),
                        1 => stage.Script.Client(Ack, next - 50, 5001, length: 50, afterUs: 300_000),
                        2 => stage.Script.Server(Ack, 5001, next),
                        3 => stage.Script.Server(Ack, 5001, next, window: 0),
                        4 => stage.Script.Server(TcpFlag.Rst | Ack, 5001, next),
                        _ => stage.Script.Client(Ack, next + 50, 5001, length: 50),
                    };
                    next += step == 0 ? 50u : 0;
                }

                var live = stage.Fired.Count;
                var records = stage.Script.End();
                Assert.Equal(live, stage.Fired.Count);
                var terms = TriggerFilter.Compile(facts[which], out _)!.Flows!;
                Assert.Equal(records.Count(r => terms.Hold(r, 0, default)), live);
            },
            iter: 2000);

    [Fact]
    public void JudgingAllocatesNothing()
    {
        using var stage = new Stage(
            "retransmissions > 1000000000 and bytes > 100 and event retransmission and handshake_rtt > 1ns and state established");
        stage.Script.Handshake().Client(Ack, 1001, 5001, length: 100).Client(Ack, 1001, 5001, length: 100);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                stage.OfferLastAgain();
            }
        }));
        Assert.Empty(stage.Fired);
    }

    /// <summary>A flow table with one trigger's watch behind it, as a worker has them.</summary>
    private sealed class Stage : IFlowEndings, IDisposable
    {
        private FrameMeta _meta;
        private FrameLayout _layout;
        private byte[] _frame = [];
        private int _slot;

        public Stage(string when, FlowTableOptions? options = null, bool isOfFlow = false)
        {
            Watch = new TriggerWatch([TriggerFilter.Compile(when, out _, isOfFlow)!], 1024);
            Script = new FlowScript(options) { OnFrame = Offer };
            Script.Table.Endings = this;
            Watch.Flows = Script.Table;
        }

        public FlowScript Script { get; }

        public TriggerWatch Watch { get; }

        public List<TriggerCell> Fired { get; } = [];

        public void Ended(int slot, in FlowRecord record)
        {
            Watch.EndFlow(slot, record);
            Take();
        }

        public void OfferLastAgain() => Watch.Offer(_meta, _layout, _frame, _slot, hasNews: true);

        public void Dispose()
        {
            Script.Dispose();
            Watch.Dispose();
        }

        private void Offer(FrameMeta meta, byte[] frame, int slot)
        {
            (_meta, _frame, _slot) = (meta, frame, slot);
            FrameDecoder.Decode(frame, meta, out _layout);
            Watch.Offer(meta, _layout, frame, slot, Script.Table.HasNews);
            Take();
        }

        private void Take()
        {
            if (Watch.TryTake(0, out var fired))
            {
                Fired.Add(fired);
                Watch.Arm(0, 0);
            }
        }
    }
}
