// What a shape does to a copy, through a session: the bytes that leave, judged by a checker that shares no code with
// the product, and the ledger.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeTests
{
    private static readonly byte[] s_key = Enumerable.Range(0, 32).Select(i => (byte)(i * 7)).ToArray();

    [Theory]
    [InlineData("anonymise=k")]
    [InlineData("mask=payload")]
    [InlineData("mask=cards;anonymise=k;vlan=7;mac-dst=02:00:00:00:00:99")]
    [InlineData("strip=tunnels,vlan;anonymise=k;mask=offset:0+3")]
    public void ChecksumsAreRightAfterwards(string shape)
    {
        foreach (var isIpv6 in (bool[])[false, true])
        {
            foreach (var protocol in (byte[])[SuperFrame.Tcp, SuperFrame.Udp])
            {
                foreach (var outer in (int[])[0, 4, 6])
                {
                    foreach (var segment in (int[])[0, 1000])
                    {
                        if (outer == 6 && segment == 0)
                        {
                            // The builder leaves that outer checksum to segmentation; OuterChecksumsFollow has a right one.
                            continue;
                        }

                        var frame = new SuperFrame
                        {
                            IsIpv6 = isIpv6, Protocol = protocol, VxlanOuterVersion = outer,
                            SegmentBytes = segment, Payload = Encoding.ASCII.GetBytes("card 4111 1111 1111 1111 " + new string('z', 1200)),
                            IsPartial = segment != 0,
                        }.Build();
                        var (taken, counters) = Run(shape, session => Offer(session, frame.Meta, frame.Bytes), mtu: 3000);
                        Assert.Equal((1, true), (counters.Sent, counters.Balances));
                        foreach (var wire in taken)
                        {
                            var text = Encoding.ASCII.GetString(WireCheck.Verify(wire).Payload);
                            Assert.DoesNotContain("4111", shape.StartsWith("mask", StringComparison.Ordinal) ? text : "");
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData("anonymise=k")]
    [InlineData("mask=payload")]
    public void OuterChecksumsFollow(string shape)
    {
        var frame = new FrameBuilder().Ethernet().Ipv6().Udp(50000, 4789).Vxlan(42).Ethernet().Ipv4().Tcp(1000, 80)
            .Payload("an odd number of bytes.").Build();
        WireCheck.Verify(frame);
        var (taken, _) = Run(shape, session => Offer(session, Meta(frame, 1), frame));
        Assert.NotEqual(frame, Assert.Single(taken));
        WireCheck.Verify(taken[0]);
    }

    [Fact]
    public void SecondCopiesGoAndNothingElse()
    {
        var first = Web(64, 1, "hello");
        var (taken, counters) = Run("dedup=50ms,ignore-ttl", session =>
        {
            Offer(session, Meta(first, 0), first);
            Offer(session, Meta(first, 1_000_000), first);
            var hop = Web(63, 1, "hello");
            Offer(session, Meta(hop, 2_000_000), hop);
            var again = Web(64, 2, "hello");
            Offer(session, Meta(again, 3_000_000), again);
            Offer(session, Meta(first, 60_000_000), first);
        });
        Assert.Equal((3, 2, 2, 5), (taken.Count, counters.Deduplicated, counters.Filtered, counters.Offered));
    }

    [Fact]
    public void FieldsAreMaskedAcrossSegments()
    {
        const string Text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VjcmV0\r\nCookie: id=77\r\n\r\nbody";
        const string Masked = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: XXXXXXXXXXXXXX\r\nCookie: XXXXX\r\n\r\nbody";
        for (var cut = 1; cut < Text.Length; cut++)
        {
            var (taken, _) = Run("mask=http-auth,http-cookies", session =>
            {
                var one = Frame(1000, Text[..cut]);
                var two = Frame(1000 + (uint)cut, Text[cut..]);
                Offer(session, Meta(one, 1), one);
                Offer(session, Meta(two, 2), two);
            });
            Assert.Equal(Masked, string.Concat(taken.Select(f => Encoding.ASCII.GetString(WireCheck.Verify(f).Payload))));
        }
    }

    [Fact]
    public void SlicesCountFromTheirLayerInEverySegment()
    {
        var frame = new SuperFrame { SegmentBytes = 1000, Payload = new byte[4500] }.Build();
        var (taken, _) = Run("slice=l4+64,packets:3", session => Offer(session, frame.Meta, frame.Bytes));
        Assert.Equal([66 + 64, 66 + 64, 66 + 64, 66, 66], taken.Select(f => f.Length));
    }

    [Theory]
    [InlineData("slice=packets:3", 0)]
    [InlineData("slice=packets:3,drop", 2)]
    [InlineData("slice=bytes:250", 0)]
    public void AFlowsFirstPacketsOrBytesLeaveWhole(string shape, int flowEnded)
    {
        // Both directions together; a new connection of the same ports begins anew; another flow has its own count.
        var (taken, counters) = Run(shape, session =>
        {
            for (var i = 0; i < 5; i++)
            {
                var frame = i % 2 == 0
                    ? new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Tcp(1000, 80).Payload(100).Build()
                    : new FrameBuilder().Ethernet().Ipv4("10.0.0.2", "10.0.0.1").Tcp(80, 1000).Payload(100).Build();
                Offer(session, Meta(frame, i), frame);
            }

            var other = new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Tcp(1001, 80).Payload(100).Build();
            Offer(session, Meta(other, 6), other);
            var again = new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Tcp(1000, 80, TcpFlag.Syn).Build();
            Offer(session, Meta(again, 7), again);
        });
        int[] first = shape switch
        {
            "slice=packets:3" => [154, 154, 154, 54, 54],
            "slice=packets:3,drop" => [154, 154, 154],
            _ => [154, 154, 104, 54, 54],
        };
        Assert.Equal([.. first, 154, 54], taken.Select(f => f.Length));
        Assert.Equal(flowEnded, counters.FlowEnded);
        Assert.True(counters.Balances);
    }

    [Fact]
    public void EveryNthFrameIsTakenAndTheRestIsSampledOut()
    {
        var (taken, counters) = Run("sample=1/10", session =>
        {
            for (var i = 0; i < 95; i++)
            {
                var frame = Web(64, i, "x");
                Offer(session, Meta(frame, i), frame);
            }
        });
        Assert.Equal((9, 86L, 95L, true), (taken.Count, counters.SampledOut, counters.Offered, counters.Balances));
    }

    [Fact]
    public void ARandomSampleHasItsShare()
    {
        var frame = Web(64, 1, "x");
        var (_, counters) = Run("sample=random:1/4", session =>
        {
            for (var i = 0; i < 40_000; i++)
            {
                Offer(session, Meta(frame, i), frame);
                session.EndBatch();
            }
        });
        Assert.InRange(counters.Sent, 9_700, 10_300);
    }

    [Theory]
    [InlineData("cap=100fps", 1000)]
    [InlineData("cap=1M", 1000)]
    public void TheCapLetsItsRateThrough(string shape, int framesPerSecond)
    {
        // Ten seconds of frame time, one frame each millisecond, 125 bytes: 1 Mbit/s is all of them, 100 fps a tenth.
        var frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(83).Build();
        Assert.Equal(125, frame.Length);
        var (_, counters) = Run(shape, session =>
        {
            for (var i = 0; i < 10 * framesPerSecond; i++)
            {
                Offer(session, Meta(frame, i * 1_000_000L), frame);
                session.EndBatch();
            }
        });
        Assert.Equal(10_000, counters.Sent + counters.DroppedRateCapped);
        Assert.InRange(counters.Sent, shape == "cap=1M" ? 10_000 : 1_000, shape == "cap=1M" ? 10_000 : 1_064);
    }

    [Fact]
    public void MediaWithEqualHeadersAndRepeatedSegmentsAreNoCopies()
    {
        var (taken, counters) = Run("dedup=50ms,ignore-ttl,ignore-checksum", session =>
        {
            for (var i = 0; i < 20; i++)
            {
                // Silence: only the identification differs. Then equal headers and another payload. Then an IPv6 ACK again.
                var silence = new FrameBuilder().Ethernet().Ipv4(id: i).Udp(4000, 4002).Payload("silence").Build();
                var media = new FrameBuilder().Ethernet().Ipv4(id: 0).Udp(5000, 5002).Payload($"sample {i}").Build();
                var ack = new FrameBuilder().Ethernet().Ipv6().Tcp(1000, 80).Build();
                foreach (var frame in (byte[][])[silence, media, ack])
                {
                    Offer(session, Meta(frame, i * 1_000_000L), frame);
                }
            }
        });
        Assert.Equal((60, 0L), (taken.Count, counters.Deduplicated));
    }

    [Fact]
    public void AllMistakesComeAtOnce()
    {
        var mistakes = new List<string>();
        Assert.Null(ShapeParser.Parse("slice=x;mask=regex:((;vlan=9999;bogus=1;cap=q", _ => default, 1, mistakes));
        Assert.Equal(5, mistakes.Count);
    }

    [Theory]
    [InlineData("mask=payload")]
    [InlineData("mask=cards")]
    [InlineData("anonymise=k")]
    public void WhatCannotBeReadDoesNotLeave(string shape)
    {
        byte[][] broken =
        [
            [.. new byte[12], 8, 0, 0x55, .. Encoding.ASCII.GetBytes("secret, in no version of IP that there is")],
            [.. new byte[12], 8, 0, 0x41, .. Encoding.ASCII.GetBytes("secret, under a header of four bytes .....")],
        ];
        foreach (var frame in broken)
        {
            var (taken, counters) = Run(shape, session => Offer(session, Meta(frame, 1), frame));
            Assert.Equal((0, 1L, true), (taken.Count, counters.DroppedError, counters.Balances));
        }

        var (left, _) = Run(shape, session =>
        {
            var arp = new FrameBuilder().Ethernet().Arp().Build(60);
            Offer(session, Meta(arp, 1), arp);
        });
        Assert.Single(left);
    }

    // At each length to which a capture may have cut a frame: what leaves has no byte of an address that was in it.
    [Fact]
    public void ACutFrameLeavesNoPartOfAnAddress()
    {
        var quoted = new FrameBuilder().Ipv4("203.0.113.77", "203.0.113.78").Udp(1, 2).Build();
        var router = Convert.FromHexString("CB00714F");
        byte[][] frames =
        [
            new FrameBuilder().Ethernet().Ipv4("203.0.113.77", "203.0.113.78").Icmp(3, 3).Payload(quoted).Build(),
            new FrameBuilder().Ethernet().Ipv4("203.0.113.77", "203.0.113.78",
                options: [131, 11, 4, .. router, .. router, 0]).Udp(1, 2).Payload(8).Build(),
            new FrameBuilder().Ethernet().Ipv4("203.0.113.77", "203.0.113.78",
                options: [68, 12, 13, 1, .. router, 0, 0, 0, 1]).Udp(1, 2).Payload(8).Build(),
            new FrameBuilder().Ethernet().Ipv4("203.0.113.77", "203.0.113.78").Icmp(9, 0)
                .Payload([.. router, 0, 0, 0, 0, .. router, 0, 0, 0, 0]).Build(),
            new FrameBuilder().Ethernet().Ipv4("203.0.113.77", "224.0.0.22", protocol: 2)
                .Payload([0x22, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 2, 224, 1, 1, 1, .. router, .. router]).Build(),
        ];
        frames[3][38] = 2;
        frames[3][39] = 2;
        foreach (var frame in frames)
        {
            var left = 0;
            for (var cut = 14; cut <= frame.Length; cut++)
            {
                var meta = Meta(frame, 1);
                meta.CapturedLength = cut;
                var (taken, counters) = Run($"anonymise=k;slice={cut}", session =>
                {
                    FrameDecoder.Decode(frame.AsSpan(0, cut), meta, out var layout);
                    session.Offer(meta, layout, frame.AsSpan(0, cut));
                });
                Assert.True(counters.Balances && counters.Sent + counters.DroppedError == 1);
                left += taken.Count;
                Assert.All(taken, copy => Assert.True(copy.AsSpan().IndexOf((byte[])[0xCB, 0x00, 0x71]) < 0, $"cut at {cut}"));
            }

            Assert.True(left > 0, "whole frames leave");
        }
    }

    [Fact]
    public void TruncationAtEachByteIsHarmless()
    {
        foreach (var sample in SampleFrames.All)
        {
            for (var length = 0; length <= Math.Min(sample.Bytes.Length, 300); length++)
            {
                var bytes = sample.Bytes[..length];
                var (_, counters) = Run(
                    "dedup;strip=vlan,mpls,tunnels;mask=passwords,cards,emails,payload;anonymise=k;vlan=5;slice=l4+8",
                    session => Offer(session, Meta(bytes, 1), bytes));
                Assert.True(counters.Balances && counters.Offered == 1);
            }
        }
    }

    [Theory]
    [InlineData("dedup=50ms,ignore-ttl,ignore-checksum,mac")]
    [InlineData("sample=1/2")]
    [InlineData("sample=random:1/3")]
    [InlineData("sample=flow:1/2")]
    [InlineData("strip=vlan,mpls,tunnels")]
    [InlineData("mask=payload")]
    [InlineData("mask=passwords,http-cookies")]
    [InlineData("mask=cards,emails,text:x,offset:1+3;mask-fill=key:k")]
    [InlineData("anonymise=k")]
    [InlineData("mac-dst=02:00:00:00:00:99;mac-src=02:00:00:00:00:98")]
    [InlineData("vlan=5")]
    [InlineData("slice=l4+64,packets:5")]
    [InlineData("slice=bytes:100,drop")]
    [InlineData("cap=900G")]
    [InlineData("dedup;strip=vlan;mask=passwords,cards,emails;anonymise=k;vlan=5;slice=l4+64;cap=900G")]
    public void NothingIsAllocatedPerFrame(string shape)
    {
        using var session = Session(shape, new MemoryOutput { Taken = null });
        byte[][] frames =
        [
            Frame(1, "PASS x\r\n4111 1111 1111 1111 a@b.example"),
            new FrameBuilder().Ethernet().Vlan(7).Ipv4().Udp(50000, 4789).Vxlan(42).Ethernet().Ipv6().Tcp(1000, 80)
                .Payload("Cookie: a=b\r\n5500-0000-0000-0004").Build(),
            new SuperFrame { SegmentBytes = 1000, Payload = new byte[3500], IsPartial = true }.Build().Bytes,
        ];
        void Loop(int count)
        {
            for (var i = 0; i < count; i++)
            {
                // Other addresses each time, so that no memory of addresses or flows helps.
                var frame = frames[i % frames.Length];
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(30), i * 77);
                Offer(session, Meta(frame, i * 1000L), frame);
                if (i % 256 == 0)
                {
                    session.EndBatch();
                }
            }

            session.EndBatch();
        }

        Loop(1000);
        Assert.Equal(0, Allocations.LeastOf(() => Loop(100_000)));
        Assert.True(session.Counters.Balances);
    }

    private static byte[] Web(int ttl, int id, string text) =>
        new FrameBuilder().Ethernet().Ipv4(ttl: ttl, id: id).Tcp(1000, 80).Payload(text).Build();

    private static byte[] Frame(uint sequence, string text) =>
        new FrameBuilder().Ethernet().Ipv4().Tcp(1000, 80, seq: sequence).Payload(text).Build();

    private static FrameMeta Meta(byte[] frame, long timeNs) => new()
    {
        TimestampNs = timeNs, CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet,
    };

    private static void Offer(MirrorSession session, FrameMeta meta, byte[] frame)
    {
        FrameDecoder.Decode(frame, meta, out var layout);
        session.Offer(meta, layout, frame);
    }

    private static MirrorSession Session(string shape, WireOutput output)
    {
        var mistakes = new List<string>();
        var plan = ShapeParser.Parse(shape, _ => new ShapeKey(s_key, null), 42, mistakes);
        Assert.True(plan is not null, string.Join('\n', mistakes));
        return new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x"), Shape = plan }, output);
    }

    private static (List<byte[]> Taken, MirrorCounters Counters) Run(string shape, Action<MirrorSession> offer, int mtu = 1500)
    {
        var output = new MemoryOutput(256, 1 << 20) { MtuBytes = mtu };
        using var session = Session(shape, output);
        offer(session);
        session.EndBatch();
        return (output.Taken!, session.Counters);
    }
}
