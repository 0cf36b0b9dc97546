// What masks find of a value that arrives in pieces: cut between segments, sent again, out of order, across the segments
// of a super-frame; and what they do not find, as docs/limits.md says it.
using System.Text;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

public class ShapeMaskTests
{
    private const string Head = "GET / HTTP/1.1\r\nAuthorization: Basic c2Vj";
    private const string Tail = "cmV0OnB3\r\nHost: a\r\n\r\n";
    private const string MaskedHead = "GET / HTTP/1.1\r\nAuthorization: XXXXXXXXXX";
    private const string MaskedTail = "XXXXXXXX\r\nHost: a\r\n\r\n";

    [Fact]
    public void ARetransmissionIsMaskedLikeItsFirstCopy() =>
        Assert.Equal([MaskedHead, MaskedTail, MaskedTail], Shape(
            "mask=http-auth", (1000, Head), (1000 + (uint)Head.Length, Tail), (1000 + (uint)Head.Length, Tail)));

    [Fact]
    public void ARetransmissionOfTheHeadLeavesTheTailMasked() =>
        Assert.Equal([MaskedHead, MaskedHead, MaskedTail], Shape(
            "mask=http-auth", (1000, Head), (1000, Head), (1000 + (uint)Head.Length, Tail)));

    [Fact]
    public void AfterAGapTheRestOfALineIsMaskedOnceTheStreamHadASecret() =>
        Assert.Equal([MaskedHead, "XX\r\nHost: a\r\n\r\n"], Shape(
            "mask=http-auth", (1000, Head), (1000 + (uint)Head.Length + 6, Tail[6..])));

    // The one case that is not found: the rest of a value overtakes the first secret that its direction has.
    [Fact]
    public void ATailThatOvertakesTheFirstSecretIsNotFound() =>
        Assert.Equal([Tail, MaskedHead], Shape("mask=http-auth", (1000 + (uint)Head.Length, Tail), (1000, Head)));

    [Fact]
    public void ATailThatOvertakesALaterSecretIsMasked()
    {
        // The head, which is out of its place then, loses its first line too.
        var second = 1000 + (uint)(Head.Length + Tail.Length);
        var late = "XXXXXXXXXXXXXX" + MaskedHead["GET / HTTP/1.1".Length..];
        Assert.Equal([MaskedHead, MaskedTail, MaskedTail, late], Shape("mask=http-auth", (1000, Head),
            (1000 + (uint)Head.Length, Tail), (second + (uint)Head.Length, Tail), (second, Head)));
    }

    [Fact]
    public void TheOtherDirectionIsAStreamOfItsOwn()
    {
        var (taken, _) = Run("mask=http-cookie", session =>
        {
            Offer(session, Frame(1, "GET / HTTP/1.1\r\nCoo"));
            Offer(session, new FrameBuilder().Ethernet().Ipv4("10.0.0.2", "10.0.0.1").Tcp(80, 1000, seq: 1)
                .Payload("kie: not one\r\nSet-Cookie: id=7; Path=/\r\n").Build());
            Offer(session, Frame(1 + 19, "kie: id=7\r\n\r\n"));
        });
        Assert.Equal(
            ["GET / HTTP/1.1\r\nCoo", "kie: not one\r\nSet-Cookie: XXXXXXXXXXXX\r\n", "kie: XXXX\r\n\r\n"], taken.Select(Text));
    }

    [Theory]
    [InlineData("cards", "pay 4111 1111 1111 1111 now", "pay XXXX XXXX XXXX XXXX now")]
    [InlineData("cards", "pay 5500-0000-0000-0004 now", "pay XXXX-XXXX-XXXX-XXXX now")]
    [InlineData("cards", "id 4111111111111112 is none", "id 4111111111111112 is none")]
    [InlineData("emails", "to ann.b@mail.example.org.", "to XXXXXXXXXXXXXXXXXXXXXX.")]
    [InlineData("ftp-pass", "\nPASS open sesame\r\nLIST", "\nPASS XXXXXXXXXXX\r\nLIST")]
    [InlineData("smtp-auth", "AUTH LOGIN\r\ndXNlcg==\r\ncHc=\r\nMAIL", "AUTH LOGIN\r\nXXXXXXXX\r\nXXXX\r\nMAIL")]
    [InlineData("imap-login", "a1 LOGIN ann pw\r\na2 NOOP", "a1 LOGIN XXXXXX\r\na2 NOOP")]
    [InlineData("redis-auth", "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\nx", "*2\r\n$4\r\nAUTH\r\n$2\r\nXX\r\nx")]
    [InlineData("text:secret", "a secret!", "a XXXXXX!")]
    [InlineData("hex:73??63", "a secret!", "a XXXret!")]
    [InlineData("regex:pin=(=[0-9]{4})", "pin=1234 pin=12", "pin=XXXX pin=12")]
    [InlineData("iregex:toke", "ToKe-tokE", "XXXX-XXXX")]
    [InlineData("offset:2+3", "abcdefgh", "abXXXfgh")]
    [InlineData("payload", "abcd", "XXXX")]
    public void WordsFindWhatTheyMean(string mask, string text, string expected) =>
        Assert.Equal([expected], Shape($"mask={mask}", (1, text)));

    [Fact]
    public void AKeyedFillerKeepsEqualValuesEqual()
    {
        var texts = Shape("mask=cards;mask-fill=key:k", (1, "4111 1111 1111 1111."), (90, "4111-1111-1111-1111."),
            (200, "5500 0000 0000 0004."));
        Assert.Equal(texts[0].Replace(' ', '-'), texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
        Assert.All(texts, text => Assert.Matches(@"^\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}\.$", text));
        Assert.DoesNotContain("4111", texts[0], StringComparison.Ordinal);
    }

    [Fact]
    public void AValueAcrossTheSegmentsOfASuperFrameIsFound()
    {
        const string Card = "4111 1111 1111 1111";
        const string Cookie = "\r\nCookie: id=0123456789\r\n";
        for (var at = 1000 - Card.Length; at <= 1000; at++)
        {
            var payload = Encoding.ASCII.GetBytes(
                new string('a', at) + Card + new string('b', 1980 - at - Card.Length) + Cookie + new string('c', 900));
            var frame = new SuperFrame { SegmentBytes = 1000, Payload = payload, IsPartial = true }.Build();
            var (taken, counters) = Run("mask=cards,http-cookies", session =>
            {
                FrameDecoder.Decode(frame.Bytes, frame.Meta, out var layout);
                session.Offer(frame.Meta, layout, frame.Bytes);
            });
            var text = string.Concat(taken.Select(Text));
            Assert.Equal((3, 1), (taken.Count, counters.Masked));
            Assert.DoesNotContain("1111", text, StringComparison.Ordinal);
            Assert.Contains("\r\nCookie: XXXXXXXXXXXXX\r\n", text, StringComparison.Ordinal);
        }
    }

    // Patterns and cards are looked for in one packet at a time.
    [Fact]
    public void ACardThatIsCutBetweenTwoPacketsIsNotFound() =>
        Assert.Equal(["card 4111 1111", " 1111 1111."], Shape("mask=cards", (1, "card 4111 1111"), (15, " 1111 1111.")));

    private static byte[] Frame(uint sequence, string text) => new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2")
        .Tcp(1000, 80, seq: sequence).Payload(text).Build();

    private static string[] Shape(string shape, params (uint Sequence, string Text)[] segments) => Run(shape, session =>
    {
        foreach (var (sequence, text) in segments)
        {
            Offer(session, Frame(sequence, text));
        }
    }).Taken.Select(Text).ToArray();

    // Verifies all checksums on the way.
    private static string Text(byte[] frame) => Encoding.ASCII.GetString(WireCheck.Verify(frame).Payload);

    private static void Offer(Tapline.Mirror.MirrorSession session, byte[] frame)
    {
        var meta = new FrameMeta { CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet };
        FrameDecoder.Decode(frame, meta, out var layout);
        session.Offer(meta, layout, frame);
    }

    private static (List<byte[]> Taken, Tapline.Mirror.MirrorCounters Counters) Run(
        string shape, Action<Tapline.Mirror.MirrorSession> offer)
    {
        var output = new MemoryOutput(256, 1 << 20);
        using var session = ShapeCorpus.Session(shape, output);
        offer(session);
        session.EndBatch();
        Assert.True(session.Counters.Balances);
        return (output.Taken!, session.Counters);
    }
}
