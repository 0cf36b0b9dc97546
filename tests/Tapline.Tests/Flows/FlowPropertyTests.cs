// What must hold for any input: every frame is counted once, hostile bytes never throw, batches change nothing.
using CsCheck;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

public class FlowPropertyTests
{
    private static readonly Gen<byte[]> s_frame = Gen.Select(
        Gen.Int[0, 8], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Byte, Gen.UInt[0, 3000], Gen.Int[0, 300],
        (kind, a, b, flags, seq, length) => Build(kind, a, b, flags, seq, length));

    private static byte[] Build(int kind, int a, int b, byte flags, uint seq, int length)
    {
        var ip = $"10.0.0.{a}";
        var peer = $"10.0.0.{b}";
        var frame = new FrameBuilder().Ethernet($"02:00:00:00:00:0{a}", $"02:00:00:00:00:0{b}");
        return (kind switch
        {
            0 => frame.Ipv4(ip, peer).Udp(a, b),
            1 => frame.Vlan(a + 1).Ipv4(ip, peer).Udp(1, 2),
            2 => frame.Ipv4(ip, peer, id: (int)seq % 5, more: true).Udp(a, b, length: 1000),
            3 => frame.Ipv4(ip, peer, id: (int)seq % 5, fragmentOffset: 80, protocol: 17),
            4 => frame.Ipv4(ip, peer).Icmp(flags % 20, id: a),
            5 => frame.Ipv6().Tcp(a, b, (TcpFlag)flags, seq, seq / 2),
            _ => frame.Ipv4(ip, peer).Tcp(1000 + a, 80 + b, (TcpFlag)flags, seq, seq / 2, (int)seq),
        }).Payload(length).Build();
    }

    private static FrameMeta Meta(byte[] frame, int index) => new()
    {
        TimestampNs = 1_700_000_000_000_000_000 + (index * 10_000_000L),
        CapturedLength = frame.Length,
        OriginalLength = frame.Length,
        LinkType = LinkType.Ethernet,
        FrameNumber = index + 1,
    };

    private static List<FlowRecord> Replay(byte[][] frames, FlowTableOptions options, int batch)
    {
        var sink = new RecordList();
        using var table = new FlowTable<RecordList>(options, sink);
        var layouts = new FrameLayout[batch];
        for (var from = 0; from < frames.Length; from += batch)
        {
            var count = Math.Min(batch, frames.Length - from);
            for (var i = 0; i < count; i++)
            {
                FrameDecoder.Decode(frames[from + i], Meta(frames[from + i], from + i), out layouts[i]);
                table.Prepare(i, layouts[i], frames[from + i]);
            }

            table.PrefetchLanes(count);

            for (var i = 0; i < count; i++)
            {
                table.ObservePrepared(i, Meta(frames[from + i], from + i), layouts[i], frames[from + i]);
            }
        }

        table.Flush(FlowEndReason.EndOfInput);
        return sink.Records;
    }

    [Fact]
    public void EveryFrameAndByteIsCountedOnceHoweverSmallTheTable() => s_frame.Array[1, 200].Sample(frames =>
    {
        foreach (var options in new[]
        {
            FlowTableOptions.Offline with { Capacity = 4096 },
            FlowTableOptions.Offline with { Capacity = 16, FragmentCapacity = 8 },
            FlowTableOptions.Live with { Capacity = 4096, ActiveTimeoutNs = 1_000_000_000, UdpIdleNs = 1_000_000_000 },
        })
        {
            var records = Replay(frames, options, 64);
            Assert.Equal(frames.Length, records.Sum(r => r.Initiator.Frames + r.Responder.Frames));
            Assert.Equal(frames.Sum(f => (long)f.Length), records.Sum(r => r.Initiator.Bytes + r.Responder.Bytes));
        }
    }, iter: 200);

    [Fact]
    public void BatchesChangeNothing() => s_frame.Array[1, 100].Sample(frames =>
    {
        var one = Replay(frames, FlowTableOptions.Live with { Capacity = 256 }, 1);
        var many = Replay(frames, FlowTableOptions.Live with { Capacity = 256 }, 100);
        Assert.Equal(one, many);
    }, iter: 200);

    [Fact]
    public void SwappingTheSidesSwapsTheCounts() => Gen.Select(Gen.UInt[0, 2000], Gen.Bool).Array[1, 60].Sample(steps =>
    {
        List<FlowRecord> Run(string low, string high)
        {
            var frames = steps.Select(s => new FrameBuilder().Ethernet()
                .Ipv4(s.Item2 ? low : high, s.Item2 ? high : low)
                .Tcp(s.Item2 ? 5000 : 80, s.Item2 ? 80 : 5000, TcpFlag.Ack, s.Item1, s.Item1).Payload(20).Build());
            return Replay(frames.ToArray(), FlowTableOptions.Offline with { Capacity = 64 }, 8);
        }

        var one = Assert.Single(Run("10.0.0.1", "10.0.0.9"));
        var other = Assert.Single(Run("10.0.0.9", "10.0.0.1"));
        Assert.Equal(one.Initiator, other.Initiator);
        Assert.Equal(one.Responder, other.Responder);
    }, iter: 200);

    [Fact]
    public void RandomAndCutBytesNeverThrow() => Gen.Select(s_frame, Gen.Int[0, 400], Gen.Byte.Array[0, 40], Gen.Int[0, 80])
        .Array[1, 40].Sample(items =>
        {
            var frames = items.Select(item =>
            {
                var (frame, cut, noise, at) = item;
                for (var i = 0; i < noise.Length && at + i < frame.Length; i++)
                {
                    frame[at + i] ^= noise[i];
                }

                return frame[..Math.Min(cut, frame.Length)];
            }).ToArray();
            var records = Replay(frames, FlowTableOptions.Live with { Capacity = 32, FragmentCapacity = 8 }, 16);
            Assert.Equal(frames.Length, records.Sum(r => r.Initiator.Frames + r.Responder.Frames));
        }, iter: 500);

    [Fact]
    public void EveryTruncationOfEveryKindIsCounted()
    {
        foreach (var kind in Enumerable.Range(0, 9))
        {
            var frame = Build(kind, 1, 2, 0x12, 100, 30);
            for (var length = 0; length <= frame.Length; length++)
            {
                var sink = new RecordList();
                using var table = new FlowTable<RecordList>(FlowTableOptions.Offline with { Capacity = 16 }, sink);
                var meta = Meta(frame, 0) with { CapturedLength = length };
                var cut = frame.AsSpan(0, length);
                FrameDecoder.Decode(cut, meta, out var layout);
                table.Observe(meta, layout, cut);
                table.Flush(FlowEndReason.EndOfInput);
                Assert.Equal(1, sink.Records.Sum(r => r.Initiator.Frames + r.Responder.Frames));
            }
        }
    }
}
