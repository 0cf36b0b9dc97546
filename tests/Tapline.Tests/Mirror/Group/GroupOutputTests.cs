// A group of targets: flows are spread, both directions stay together, and a flow moves only when its target dies.
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Group;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Group;

public class GroupOutputTests
{
    private static readonly SuperFrame s_plain = new SuperFrame { Payload = new byte[100] }.Build();

    [Fact]
    public void FlowsAreSpreadEvenlyAndBothDirectionsStayTogether()
    {
        var members = Members(4);
        using var session = Session(members);
        for (var flow = 0; flow < 4000; flow++)
        {
            Offer(session, flow, isReverse: false);
            Offer(session, flow, isReverse: true);
        }

        session.EndBatch();
        for (var m = 0; m < 4; m++)
        {
            // 2,000 of 8,000 frames each; the spread of a fair draw of 4,000 flows is 27 flows.
            Assert.InRange(session.Group!.CountsOf(m).Sent, 2000 - 400, 2000 + 400);
            Assert.Equal(0, session.Group.CountsOf(m).Sent % 2);
            Assert.Equal(members[m].Taken!.Count, session.Group.CountsOf(m).Sent);
        }

        Assert.Equal(8000, session.Counters.Sent);
    }

    [Fact]
    public void FlowsAreSpreadByWeight() => Gen.Select(Gen.Int[1, GroupTarget.WeightMax].Array[2, 4], Gen.Int[0, 40_000]).Sample(
        (weights, from) =>
        {
            const int Flows = 2000;
            var members = Members(weights.Length);
            using var session = Session(members, weights);
            for (var flow = 0; flow < Flows; flow++)
            {
                Offer(session, from + flow, isReverse: false);
                Offer(session, from + flow, isReverse: true);
            }

            session.EndBatch();
            for (var m = 0; m < weights.Length; m++)
            {
                // Six times the spread of a fair draw.
                var share = weights[m] / (double)weights.Sum();
                var spread = 6 * Math.Sqrt(Flows * share * (1 - share));
                var got = session.Group!.CountsOf(m).Sent;
                Assert.InRange(got / 2, (Flows * share) - spread, (Flows * share) + spread);
                Assert.Equal(0, got % 2);
            }
        },
        iter: 100);

    [Fact]
    public void AnotherWeightMovesOnlyFlowsToOrFromThatMember() => Gen.Select(
        Gen.Int[1, GroupTarget.WeightMax].Array[2, 4], Gen.Int[0, 3], Gen.Int[1, GroupTarget.WeightMax]).Sample(
        (weights, which, other) =>
        {
            const int Flows = 500;
            which %= weights.Length;
            var before = Where(weights, Flows);
            var after = Where([.. weights.Select((w, i) => i == which ? other : w)], Flows);
            for (var flow = 0; flow < Flows; flow++)
            {
                var mayMove = other > weights[which] ? after[flow] == which : before[flow] == which;
                Assert.True(before[flow] == after[flow] || (mayMove && other != weights[which]));
            }
        },
        iter: 50);

    [Fact]
    public void OnlyTheFlowsOfADeadTargetMoveAndTheyStayWhereTheyWent()
    {
        const int Flows = 1000;
        var members = Members(3);
        using var session = Session(members);
        var before = Where(session, members, Flows);
        members[1].Up = false;
        var during = Where(session, members, Flows);
        members[1].Up = true;
        var after = Where(session, members, Flows);
        for (var flow = 0; flow < Flows; flow++)
        {
            Assert.True(before[flow] == 1 ? during[flow] is 0 or 2 : during[flow] == before[flow]);
            Assert.Equal(during[flow], after[flow]);
        }

        // Both others took a share of them.
        Assert.InRange(Enumerable.Range(0, Flows).Count(f => before[f] == 1 && during[f] == 0), 100, 250);

        // New connections of the same ends go to their first choice again.
        for (var flow = 0; flow < Flows; flow++)
        {
            Offer(session, flow, isReverse: false, flags: 0x02);
        }

        session.EndBatch();
        Assert.Equal(before, Where(session, members, Flows));
        Assert.Equal(0, session.Counters.Dropped);
    }

    [Fact]
    public void AFlowMovesOnWhenItsSecondTargetDiesToo()
    {
        var members = Members(3);
        using var session = Session(members);
        var first = Where(session, members, 1)[0];
        members[first].Up = false;
        var second = Where(session, members, 1)[0];
        members[second].Up = false;
        members[first].Up = true;
        Assert.Equal(first, Where(session, members, 1)[0]);
        members[second].Up = true;
        Assert.Equal(first, Where(session, members, 1)[0]);
    }

    [Fact]
    public void WhereAllAreDownEveryFrameIsCounted()
    {
        var members = Members(2);
        using var session = Session(members);
        Assert.True(session.IsTargetUp);
        members[0].Up = false;
        Assert.True(session.IsTargetUp);
        members[1].Up = false;
        Assert.False(session.IsTargetUp);
        for (var flow = 0; flow < 100; flow++)
        {
            Offer(session, flow, isReverse: false);
        }

        session.EndBatch();
        Assert.Equal((100, 100), (session.Counters.Offered, session.Counters.DroppedTargetDown));
        Assert.Equal(100, session.Group!.CountsOf(0).Dropped + session.Group.CountsOf(1).Dropped);
    }

    [Fact]
    public void AMemberThatIsSlowCostsOnlyItsOwnFlows()
    {
        var members = new[] { new MemoryOutput(entries: 64, bufferBytes: 1 << 20) { Appetite = 0 }, new MemoryOutput() };
        using var session = Session(members);
        for (var i = 0; i < 4000; i++)
        {
            Offer(session, i % 400, isReverse: false);
            if (i % 64 == 63)
            {
                session.EndBatch();
            }
        }

        session.Finish();
        var slow = session.Group!.CountsOf(0);
        var fast = session.Group.CountsOf(1);
        Assert.Equal((0, 0), (slow.Sent, fast.Dropped));
        Assert.Equal(4000, slow.Dropped + fast.Sent);
        Assert.True(session.Counters.Balances && slow.Dropped > 1000 && fast.Sent > 1000);
    }

    [Fact]
    public void TheMembersAddUpToTheSessionWhateverHappens() => Gen.Int[0, 11].Array[300].Sample(
        steps =>
        {
            var members = Members(3);
            using var session = Session(members);
            foreach (var step in steps)
            {
                switch (step)
                {
                    case < 3: members[step].Up = !members[step].Up; break;
                    case < 6: members[step - 3].Appetite = members[step - 3].Appetite == 0 ? int.MaxValue : 0; break;
                    case 6: members[1].RefuseNext = DropReason.Error; break;
                    case 7: session.EndBatch(); break;
                    default: Offer(session, step * 31, isReverse: step % 2 == 0); break;
                }

                Assert.True(session.Counters.Balances);
            }

            session.Finish();
            var sums = Enumerable.Range(0, 3).Select(m => session.Group!.CountsOf(m)).ToList();
            Assert.Equal(session.Counters.Sent, sums.Sum(s => s.Sent));
            Assert.Equal(session.Counters.SentBytes, sums.Sum(s => s.SentBytes));
            Assert.Equal(session.Counters.Dropped, sums.Sum(s => s.Dropped));
            Assert.Equal(steps.Count(s => s > 7), session.Counters.Offered);
        },
        iter: 300);

    [Fact]
    public void NothingIsAllocatedPerFrameNotEvenWhileFlowsMove()
    {
        var members = Members(3, keeps: false);
        using var session = Session(members);
        var round = 0;
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            members[round++ % 3].Up = false;
            for (var i = 0; i < 100_000; i++)
            {
                Offer(session, i, isReverse: false);
                if (i % 256 == 0)
                {
                    session.EndBatch();
                }
            }

            Array.ForEach(members, static m => m.Up = true);
        }));
        Assert.True(session.Counters.Balances);
    }

    [Theory]
    [InlineData("nic:a|nic:b", 2)]
    [InlineData("nic:a|nic:b|nic:c", 3)]
    [InlineData("nic:a*3|nic:b|nic:c*16", 3)]
    [InlineData("file:/a*b.pcapng*2|file:/a*b*c", 2)]
    [InlineData("file:/a*3*1|file:/b*7*16", 2)]
    public void SeveralTargetsAreAGroup(string text, int count)
    {
        var target = Assert.IsType<GroupTarget>(TargetParser.Parse(text, out var error));
        Assert.Null(error);
        Assert.Equal(count, target.Members.Count);
        Assert.Equal(text.StartsWith("nic:", StringComparison.Ordinal) ? count : 0, target.Interfaces.Count);
        Assert.Equal(text, target.ToString());
        Assert.Equal(target, TargetParser.Parse(text, out _));
    }

    [Fact]
    public void WeightsAreTakenOffTheMembersTexts()
    {
        var target = Assert.IsType<GroupTarget>(TargetParser.Parse("nic:a*3|nic:b*1|vxlan://10.0.0.1?vni=7*2", out _));
        Assert.Equal([3, 1, 2], target.Weights);
        Assert.Equal(["nic:a", "nic:b", "vxlan://10.0.0.1:4789?vni=7"], target.Members.Select(m => m.ToString()));
        Assert.NotEqual(target, TargetParser.Parse("nic:a*3|nic:b|vxlan://10.0.0.1?vni=7", out _));
    }

    [Theory]
    [InlineData("nic:a*2|nic:a", "is in the group twice")]
    [InlineData("nic:a*0|nic:b", "give a number from 1 to 16")]
    [InlineData("nic:a|nic:b*17", "give a number from 1 to 16")]
    [InlineData("nic:a*99999999999999999999|nic:b", "give a number from 1 to 16")]
    [InlineData("nic:a|nic:a", "is in the group twice")]
    [InlineData("nic:a|nic:", "is not an interface name")]
    public void OtherGroupsGetASentence(string text, string expected)
    {
        Assert.Null(TargetParser.Parse(text, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    private static MemoryOutput[] Members(int count, bool keeps = true) =>
        [.. Enumerable.Range(0, count).Select(_ => new MemoryOutput { Taken = keeps ? [] : null })];

    private static MirrorSession Session(MemoryOutput[] members, int[]? weights = null) => new(
        new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x") }, new GroupOutput([.. members], weights));

    private static int[] Where(int[] weights, int flows)
    {
        var members = Members(weights.Length);
        using var session = Session(members, weights);
        return Where(session, members, flows);
    }

    // Offers a frame of each flow and says which member got it.
    private static int[] Where(MirrorSession session, MemoryOutput[] members, int flows)
    {
        var where = new int[flows];
        for (var flow = 0; flow < flows; flow++)
        {
            var before = Array.ConvertAll(members, m => m.Taken!.Count);
            Offer(session, flow, isReverse: flow % 2 == 0);
            session.EndBatch();
            where[flow] = Enumerable.Range(0, members.Length).Single(m => members[m].Taken!.Count == before[m] + 1);
        }

        return where;
    }

    private static void Offer(MirrorSession session, int flow, bool isReverse, byte flags = 0x18)
    {
        var meta = s_plain.Meta;
        meta.PointId = 1;
        meta.TimestampNs = Clock.SecondNs;
        var port = (ushort)(1024 + (flow % 50_000));
        session.Offer(
            meta,
            s_plain.Layout with
            {
                SourcePort = isReverse ? (ushort)80 : port, DestinationPort = isReverse ? port : (ushort)80, TcpFlags = flags,
            },
            s_plain.Bytes);
    }
}
