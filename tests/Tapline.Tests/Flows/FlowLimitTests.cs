// What a full table gives up, when flows end, and that none of it allocates.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class FlowLimitTests
{
    private const int Ipv4Source = 14 + 12;
    private const int TcpSourcePort = 14 + 20;

    private sealed class CountingSink : IRecordSink
    {
        public long Records { get; private set; }

        public long Frames { get; private set; }

        public void Write(in FlowRecord record)
        {
            Records++;
            Frames += record.Initiator.Frames + record.Responder.Frames;
        }
    }

    private static FrameMeta Meta(byte[] frame, long timeNs) => new()
    {
        TimestampNs = timeNs,
        CapturedLength = frame.Length,
        OriginalLength = frame.Length,
        LinkType = LinkType.Ethernet,
    };

    [Fact]
    public void FloodOfTenMillionSynsStaysInItsMemoryAndSparesTheEstablished()
    {
        const int flood = 10_000_000;
        var sink = new CountingSink();
        using var table = new FlowTable<CountingSink>(
            FlowTableOptions.Live with { Capacity = 1 << 15, ActiveTimeoutNs = 0 }, sink);
        var good = new FrameBuilder().Ethernet().Ipv4("10.9.9.9").Tcp(5555, 80, TcpFlag.Ack, 1, 1).Payload(1).Build();
        Observe(table, good, 1_000_000_000);
        var syn = new FrameBuilder().Ethernet().Ipv4().Tcp(1, 80, TcpFlag.Syn).Build();
        var meta = Meta(syn, 0);
        FrameDecoder.Decode(syn, meta, out var layout);
        const int parts = 10;
        var allocated = Allocations.LeastOfParts(parts, part =>
        {
            for (var i = part * (flood / parts); i < (part + 1) * (flood / parts); i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(syn.AsSpan(Ipv4Source), (uint)i);
                meta.TimestampNs = 1_000_000_000 + (i * 100L);
                table.Observe(meta, layout, syn);
                if ((i & 255) == 0)
                {
                    table.Advance(meta.TimestampNs);
                }
            }
        });

        Assert.Equal(0, allocated);
        Assert.True(table.Counters.Active <= 1 << 15);
        Assert.Equal(0, table.Counters.EvictedActive);
        Assert.True(table.Counters.EvictedUnanswered > flood / 2);
        var created = table.Counters.Created;
        Observe(table, good, meta.TimestampNs);
        Assert.Equal(created, table.Counters.Created);
        table.Flush(FlowEndReason.EndOfInput);
        Assert.Equal(flood + 2, sink.Frames);
    }

    private static void Observe(FlowTable<CountingSink> table, byte[] frame, long timeNs)
    {
        var meta = Meta(frame, timeNs);
        FrameDecoder.Decode(frame, meta, out var layout);
        table.Observe(meta, layout, frame);
    }

    [Fact]
    public void FullTableGivesUpEndedThenLeastRecentFlows()
    {
        var sink = new CountingSink();
        using var table = new FlowTable<CountingSink>(FlowTableOptions.Offline with { Capacity = 64 }, sink);
        for (var i = 0; i < 200; i++)
        {
            var frame = new FrameBuilder().Ethernet().Ipv4($"10.1.0.{i}").Udp(1, 2).Payload(1).Build();
            Observe(table, frame, 1_000 + i);
        }

        Assert.Equal(64, table.Counters.Active);
        Assert.Equal(136, table.Counters.EvictedActive);
        table.Flush(FlowEndReason.EndOfInput);
        Assert.Equal(200, sink.Frames);
        Assert.Equal(200, sink.Records);
    }

    [Fact]
    public void SilenceEndsAFlowWhetherOrNotAdvanceIsCalled()
    {
        using var script = new FlowScript(FlowTableOptions.Live with { Capacity = 1024 });
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(1).Build();
        script.Play(frame);
        script.NowUs += 61_000_000;
        script.Play(frame);
        Assert.Single(script.Sink.Records);
        Assert.Equal(FlowEndReason.Idle, script.Sink.Records[0].EndReason);
        script.NowUs += 59_000_000;
        script.Play(frame);
        Assert.Single(script.Sink.Records);
        script.Table.Advance(script.NowNs + 62_000_000_000);
        Assert.Equal(2, script.Sink.Records.Count);
        Assert.Equal(2, script.Sink.Records[1].Initiator.Frames);
        Assert.Equal(0, script.Table.Counters.Active);
    }

    [Fact]
    public void EndedConnectionsAreWrittenSoon()
    {
        using var script = new FlowScript(FlowTableOptions.Live with { Capacity = 1024 });
        script.Handshake().Client(TcpFlag.Fin | TcpFlag.Ack, 1001, 5001).Server(TcpFlag.Fin | TcpFlag.Ack, 5001, 1002);
        script.Table.Advance(script.NowNs + 5_000_000_000);
        Assert.Empty(script.Sink.Records);
        script.Table.Advance(script.NowNs + 12_000_000_000);
        Assert.Equal(FlowEndReason.Fin, Assert.Single(script.Sink.Records).EndReason);
    }

    [Fact]
    public void LongFlowsComeInPartsThatSumUp()
    {
        using var script = new FlowScript(FlowTableOptions.Live with { Capacity = 1024, TcpIdleNs = 0 });
        script.Handshake();
        for (var i = 0; i < 100; i++)
        {
            script.Client(TcpFlag.Ack, 1001 + (uint)i, 5001, 1, afterUs: 10_000_000);
        }

        var records = script.End();
        Assert.Equal(4, records.Count);
        Assert.Equal([0, 1, 2, 3], records.Select(r => (int)r.Part));
        Assert.Single(records.Select(r => r.FlowId).Distinct());
        Assert.Equal(102, records.Sum(r => r.Initiator.Frames));
        Assert.Equal(1, records.Sum(r => r.Responder.Frames));
        Assert.Equal(0u, records.Aggregate(0u, (sum, r) => sum + r.Initiator.LostSegments + r.Initiator.Retransmissions));
        Assert.All(records, r => Assert.Equal(FlowState.Established, r.State));
    }

    [Fact]
    public void BusiestFlowsAreThoseWithTheBytes()
    {
        using var script = new FlowScript();
        for (var i = 0; i < 300; i++)
        {
            script.Play(new FrameBuilder().Ethernet().Ipv4("10.2.0.1").Udp(7, 7).Payload(1400).Build());
            script.Play(new FrameBuilder().Ethernet().Ipv4($"10.3.0.{i % 200}").Udp(8, 8).Payload(10).Build());
        }

        var busiest = new FlowRecord[5];
        var count = 0;
        Assert.Equal(0, Allocations.LeastOf(() => count = script.Table.CopyBusiest(busiest)));
        Assert.True(count > 0);
        Assert.Equal(7, busiest[0].InitiatorPort);
        Assert.Equal(300, busiest[0].Initiator.Frames);
    }

    [Fact]
    public void ObserveAndAdvanceAllocateNothing()
    {
        var sink = new CountingSink();
        using var table = new FlowTable<CountingSink>(FlowTableOptions.Live with { Capacity = 4096 }, sink);
        var frames = SampleFrames();
        Run(table, frames, 0, 1000);
        Assert.Equal(0, Allocations.LeastOfParts(5, part => Run(table, frames, 1000 + (part * 20_000), 1000 + ((part + 1) * 20_000))));
        table.Flush(FlowEndReason.EndOfInput);
        Assert.Equal(101_000, sink.Frames);
    }

    private static byte[][] SampleFrames()
    {
        const string server = "10.0.0.2";
        const string client = "10.0.0.1";
        return
        [
            new FrameBuilder().Ethernet().Ipv4().Tcp(1, 80, TcpFlag.Syn, 1, options: [2, 4, 5, 180, 1, 3, 3, 7]).Build(),
            new FrameBuilder().Ethernet().Ipv4(server, client).Tcp(80, 1, TcpFlag.Syn | TcpFlag.Ack, 9, 2).Build(),
            new FrameBuilder().Ethernet().Ipv4().Tcp(1, 80, TcpFlag.Ack, 2, 10).Payload(100).Build(),
            new FrameBuilder().Ethernet().Ipv4().Tcp(1, 80, TcpFlag.Rst, 102).Build(),
            new FrameBuilder().Ethernet().Vlan(5).Ipv6().Udp(1000, 53).Payload(30).Build(),
            new FrameBuilder().Ethernet().Ipv4(id: 77, more: true).Udp(5, 6, length: 108).Payload(40).Build(),
            new FrameBuilder().Ethernet().Ipv4(id: 77, fragmentOffset: 48, protocol: 17).Payload(60).Build(),
            new FrameBuilder().Ethernet().Ipv4().Icmp(8, id: 1).Payload(8).Build(),
            new FrameBuilder().Ethernet(type: 0x88cc).Payload(60).Build(),
        ];
    }

    private static void Run(FlowTable<CountingSink> table, byte[][] frames, int from, int to)
    {
        for (var i = from; i < to; i++)
        {
            var frame = frames[i % frames.Length];
            if (frame.Length > TcpSourcePort + 2 && i % 3 == 0)
            {
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(TcpSourcePort), (ushort)i);
            }

            Observe(table, frame, 1_000_000_000L * i / 100);
            table.Advance(1_000_000_000L * i / 100);
        }
    }
}
