// What sets a trigger off, what is held then, and that traffic can't make it do more than it may.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Record.Holds;
using Tapline.Store;
using Tapline.Tests.Support;
using Tapline.Workers;
using Tapline.Workers.Triggers;
using Xunit;

namespace Tapline.Tests.Workers.Triggers;

public class TriggerTests
{
    private const long Start = 1_700_000_000_000_000_000;
    private const long Second = Clock.SecondNs;
    private static readonly byte[] s_reset = new FrameBuilder().Ethernet().Ipv4().Tcp(5432, 40000, TcpFlag.Rst).Build();
    private static readonly byte[] s_data = new FrameBuilder().Ethernet().Ipv4().Tcp(40000, 5432).Payload(100).Build();
    private static readonly TriggerPlan s_plan = new() { Name = "resets", When = "port 5432 and tcp[tcpflags] & tcp-rst != 0" };

    [Fact]
    public void AMatchHoldsItsWindowOnceAndThenRests()
    {
        using var lab = new Lab(s_plan with { PauseNs = 60 * Second });
        lab.Offer(s_data, 0);
        Assert.Empty(lab.Holds);
        lab.Offer(s_reset, 5 * Second);
        lab.Offer(s_reset, 6 * Second);
        var hold = Assert.Single(lab.Holds);
        Assert.Equal(("trigger resets", Start - (5 * Second), Start + (35 * Second)), (hold.By, hold.SinceNs, hold.UntilNs));
        Assert.Equal(s_plan.When, hold.Why);
        lab.Offer(s_reset, 64 * Second);
        Assert.Single(lab.Holds);
        lab.Offer(s_reset, 66 * Second);
        Assert.Equal(2, lab.Holds.Count);
        Assert.Equal((2, 0), (lab.State.Fired, lab.State.Refused));
    }

    [Fact]
    public void ItHasNoMoreHoldsThanItMayUntilSomebodyRemovesOne()
    {
        using var lab = new Lab(s_plan with { PauseNs = Second, HoldsMax = 3, HourlyMax = 100 });
        for (var i = 0; i < 20; i++)
        {
            lab.Offer(s_reset, i * 10 * Second);
        }

        Assert.Equal(3, lab.Holds.Count);
        Assert.Equal((3, 17), (lab.State.Fired, lab.State.Refused));
        Assert.Contains("remove those", lab.State.Notice);
        Assert.Null(HoldFile.TryRemove(lab.Folder, lab.Holds[0].Id));
        lab.Offer(s_reset, 1000 * Second);
        Assert.Equal(3, lab.Holds.Count);
        Assert.Equal(4, lab.State.Fired);
        Assert.Null(lab.State.Notice);
    }

    [Fact]
    public void AnHourHasNoMoreMatchesThanItMayAndTheRestIsCounted()
    {
        using var lab = new Lab(s_plan with { PauseNs = Second, HourlyMax = 3 });
        for (var i = 0; i < 20; i++)
        {
            lab.Offer(s_reset, i * 10 * Second);
        }

        Assert.Equal(3, lab.Holds.Count);
        Assert.Equal((3, 0, 17), (lab.State.Fired, lab.State.Refused, lab.State.Suppressed));
        Assert.Contains("within an hour", lab.State.Notice);
        Assert.Single(lab.Said, s => s.Contains("within an hour", StringComparison.Ordinal));
        lab.Offer(s_reset, 3600 * Second);
        Assert.Equal((4, 17), (lab.State.Fired, lab.State.Suppressed));
        lab.Offer(s_reset, 3602 * Second);
        Assert.Equal((4, 18), (lab.State.Fired, lab.State.Suppressed));
    }

    [Fact]
    public void HoldsOfATriggerExpire()
    {
        using var lab = new Lab(s_plan with { HoldForNs = 60 * Second }, s_plan with { Name = "forever", HoldForNs = 0 });
        lab.Offer(s_reset, 0);
        Assert.Equal([Start + (60 * Second), 0L], lab.Holds.Select(h => h.ExpiresNs));
    }

    [Fact]
    public void FactsOfAFlowAreJudgedWhenItEnds()
    {
        using var lab = new Lab(s_plan with { When = "port 5432 and retransmissions > 3" });
        var record = new FlowRecord
        {
            StartNs = Start, EndNs = Start + (20 * Second), Protocol = FlowProtocol.Tcp, InitiatorPort = 40000, ResponderPort = 5432,
            InitiatorIp = IpAddress16.FromIpv4(0x0a000001), ResponderIp = IpAddress16.FromIpv4(0x0a000002),
        };
        record.Initiator.Retransmissions = 4;
        record.EndReason = FlowEndReason.Fin;
        lab.End(7, record); // no frame of it was wanted
        Assert.Empty(lab.Holds);
        lab.Offer(s_data, Second, slot: 7);
        record.EndReason = FlowEndReason.Active;
        record.Initiator.Retransmissions = 3;
        lab.End(7, record);
        Assert.Empty(lab.Holds);
        record.Responder.Retransmissions = 1;
        lab.End(7, record);
        var hold = Assert.Single(lab.Holds);
        Assert.Equal((Start - (10 * Second), Start + (50 * Second)), (hold.SinceNs, hold.UntilNs));
        Assert.Contains("(flow 1:", hold.Why);
    }

    [Theory]
    [InlineData("", "needs an expression")]
    [InlineData("tcp prot 80", "unknown")]
    [InlineData("port 80 or retransmissions > 3", "by `and` alone")]
    [InlineData("not retransmissions > 3", "by `and` alone")]
    [InlineData("tcp and community_id \"1:x\"", "community_id")]
    [InlineData("status >= 500", "status")]
    public void WhatCanNotSetAnythingOffIsASentence(string when, string part)
    {
        Assert.Null(TriggerFilter.Compile(when, out var error));
        Assert.Contains(part.Replace("unknown", "", StringComparison.Ordinal), error);
    }

    [Fact]
    public void WatchingAllocatesNothing()
    {
        using var lab = new Lab(s_plan, s_plan with { Name = "flows", When = "tcp and retransmissions > 3 and state established" });
        var meta = Lab.Meta(s_data, Start);
        FrameDecoder.Decode(s_data, meta, out var layout);
        var record = new FlowRecord { StartNs = Start, EndNs = Start, Protocol = FlowProtocol.Tcp };
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                lab.Watch.Offer(meta, layout, s_data, i % 100, hasNews: true);
                lab.Watch.EndFlow(i % 100, record);
            }
        }));
        Assert.Empty(lab.Holds);
    }

    [Fact]
    public void LookingAtQuietTriggersAllocatesNothing()
    {
        using var lab = new Lab(s_plan);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                lab.Desk.Look();
            }
        }));
    }

    [Fact]
    public void AFilesNameAndQuestionFollowFromItsTrigger()
    {
        var firing = new TriggerFiring(s_plan, Start, Start, Start, Start, "1:abc=");
        Assert.Equal(("resets-20231114T221320.000Z.pcapng", ""), (firing.FileName, firing.Expression));
        firing = firing with { Plan = s_plan with { IsOfFlow = true } };
        Assert.NotNull(Tapline.Record.Extract.ExtractFilter.Compile(firing.Expression, out var error));
        Assert.Null(error);
    }

    /// <summary>One worker's watch and the desk, stepped by hand, over a recording's folder.</summary>
    private sealed class Lab : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Lab(params TriggerPlan[] plans)
        {
            Watch = new TriggerWatch([.. plans.Select(p => TriggerFilter.Compile(p.When, out _)!)], flowSlots: 128);
            Desk = new TriggerDesk(Folder, plans, [Watch], null, Said.Add, now: () => Start);
        }

        public TriggerWatch Watch { get; }

        public List<string> Said { get; } = [];

        public TriggerDesk Desk { get; }

        public string Folder => _folder.Path;

        public IReadOnlyList<Hold> Holds => HoldFile.TryRead(Folder, out _)!.Holds;

        public TriggerState State => Desk.States[0];

        public static FrameMeta Meta(byte[] frame, long timeNs) => new()
        {
            LinkType = LinkType.Ethernet, TimestampNs = timeNs, CapturedLength = frame.Length, OriginalLength = frame.Length,
        };

        public void Offer(byte[] frame, long sinceStartNs, int slot = -1)
        {
            var meta = Meta(frame, Start + sinceStartNs);
            FrameDecoder.Decode(frame, meta, out var layout);
            Watch.Offer(meta, layout, frame, slot, hasNews: false);
            Desk.Look();
        }

        public void End(int slot, in FlowRecord record)
        {
            Watch.EndFlow(slot, record);
            Desk.Look();
        }

        public void Dispose()
        {
            Desk.Dispose();
            Watch.Dispose();
            _folder.Dispose();
        }
    }
}
