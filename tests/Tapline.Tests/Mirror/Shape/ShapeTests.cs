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
    [InlineData("128.11.68.132", "135.242.180.132")]
    [InlineData("129.118.74.4", "134.136.186.123")]
    public void AddressesAreThoseOfCryptoPan(string address, string pseudonym)
    {
        byte[] key = [21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
            216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2];
        using var cipher = new AddressCipher(key, keepsSpecial: false);
        Assert.Equal(Ip(pseudonym), cipher.Hide(Ip(address)));
        Assert.Equal(Ip(address), cipher.Reveal(Ip(pseudonym)));
    }

    [Fact]
    public void PseudonymsKeepPrefixesAndLeadBack()
    {
        using var cipher = new AddressCipher(s_key, keepsSpecial: true);
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var a = (uint)random.NextInt64(1L << 32);
            var b = a ^ (1u << random.Next(32));
            Assert.Equal(a, cipher.Reveal(cipher.Hide(a)));
            Assert.Equal(uint.LeadingZeroCount(a ^ b), uint.LeadingZeroCount(cipher.Hide(a) ^ cipher.Hide(b)));
        }

        Assert.All((string[])["127.0.0.1", "224.0.0.251", "255.255.255.255", "0.0.0.0"], a => Assert.Equal(Ip(a), cipher.Hide(Ip(a))));
        Assert.NotEqual(Ip("10.1.2.3"), cipher.Hide(Ip("10.1.2.3")));
        var six = (UInt128)0x2001_0DB8 << 96 | 77;
        Assert.Equal(six, cipher.Reveal(cipher.Hide(six)));
    }

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

    [Fact]
    public void AllMistakesComeAtOnce()
    {
        var mistakes = new List<string>();
        Assert.Null(ShapeParser.Parse("slice=x;mask=regex:((;vlan=9999;bogus=1;cap=q", _ => default, 1, mistakes));
        Assert.Equal(5, mistakes.Count);
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

    [Fact]
    public void NothingIsAllocatedPerFrame()
    {
        var output = new MemoryOutput { Taken = null };
        using var session = Session("dedup;mask=passwords,cards,emails;anonymise=k;vlan=5;slice=l4+64;cap=900G", output);
        var frame = Frame(1, "PASS x\r\n4111 1111 1111 1111 a@b.example");
        void Loop(int count)
        {
            for (var i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(26), i * 77);
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

    private static uint Ip(string text) => BinaryPrimitives.ReadUInt32BigEndian(System.Net.IPAddress.Parse(text).GetAddressBytes());

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
