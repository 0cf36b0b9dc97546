// Three real guests on a bridge, tapped, talk to each other; what each kind of tool gets, at a tool port, through each tunnel
// and as a stream, is compared, byte for byte and in order, with what tcpdump saw each guest hand to its port, and tshark has
// to find the copy as sound as the original. One guest is killed and started again meanwhile. All share one run (GuestRun).
using System.Buffers.Binary;
using Xunit;

namespace Tapline.Lab.Proofs;

[Trait("pace", "patient")]
public sealed class GuestProofTests(GuestRun shared) : IClassFixture<GuestRun>
{
    private const int MtuBytes = GuestRun.MtuBytes;
    private const int EthernetHeaderBytes = 14;
    private const byte Tcp = 6;
    private const long SecondNs = 1_000_000_000;

    public static TheoryData<string> Tunnels => [.. TunnelEnd.All.Select(e => e.Name)];

    [Theory]
    [InlineData(GuestTools.User)]
    [InlineData(GuestTools.Kernel)]
    public void The_tool_gets_what_three_guests_sent_each_frame_once_in_order_and_sound(string mode)
    {
        LabNeeds.FullProof();
        var run = shared.Need();
        var ledger = run.Ledger(mode);
        Assert.Equal(mode, ledger.Mode);
        Assert.Equal(ledger.Offered, ledger.Sent);
        var seen = PcapFile.Read(run.Captures[mode]);
        var reckoned = mode == GuestTools.Kernel ? run.Sent.Count(IsReckoned) : 0;
        Assert.InRange(ledger.SentWireFrames - seen.Count, -reckoned, reckoned);
        Assert.All(seen, f => Assert.InRange(f.Bytes.Length, EthernetHeaderBytes, MtuBytes + EthernetHeaderBytes));
        WireOracle.Compare(run.Expected, seen);
        CheckVariety(run);
        CheckSameSoundness(run.Original, run.Verdict(mode));
    }

    [Theory]
    [MemberData(nameof(Tunnels))]
    public void So_does_the_tool_at_the_far_end_of_a_tunnel(string session)
    {
        var run = shared.Need();
        var end = TunnelEnd.All.Single(e => e.Name == session);
        var ledger = run.Ledger(session);
        var seen = PcapFile.Read(run.Captures[session]).ConvertAll(end.Open);
        var verdict = run.Verdict(session);
        Assert.Equal("user", ledger.Mode);
        Assert.Equal(ledger.SentWireFrames, seen.Count);
        Assert.Equal(seen.Count, verdict.Told.Count);
        CheckFields(end, verdict.Told, seen, run);
        if (end.FrameBytesMax >= MtuBytes + EthernetHeaderBytes)
        {
            Assert.Equal(ledger.Offered, ledger.Sent);
            WireOracle.Compare(run.Expected, seen);
            CheckSameSoundness(run.Original, verdict);
            return;
        }

        // What does not fit leaves as shorter TCP segments, and what cannot be cut is said to be too long, not fragmented.
        var left = run.Sent.FindAll(f => f.Bytes.Length <= end.FrameBytesMax || IsTcp(f));
        Assert.NotEqual(0, ledger.Dropped);
        Assert.Equal(run.Sent.Count - left.Count, ledger.Dropped);
        Assert.Equal(ledger.Dropped, ledger.DroppedAs("too_long"));
        var expected = WireOracle.Match(left, seen, end.FrameBytesMax - EthernetHeaderBytes);
        CheckSameSoundness(run.VerdictOf(expected), verdict);
    }

    [Fact]
    public void So_does_a_client_of_the_stream()
    {
        var run = shared.Need();
        var ledger = run.Ledger(GuestTools.Stream);
        var seen = PcapFile.Read(run.Captures[GuestTools.Stream]);
        Assert.Equal(ledger.Offered, ledger.Sent);
        Assert.Equal(ledger.SentWireFrames, seen.Count);
        WireOracle.Compare(run.Expected, seen);
        CheckSameSoundness(run.Original, run.Verdict(GuestTools.Stream));
        foreach (var (expected, got) in InOrder(run.Expected, seen))
        {
            // Each looks at the clock for itself.
            Assert.InRange(got.TimeNs, expected.TimeNs - SecondNs, expected.TimeNs + SecondNs);
        }
    }

    // A guest's super-frame does not say how many segments it is, and the kernel path reckons with headers of 66 bytes
    // (docs/limits.md): with others, as in a segment that carries SACK blocks, it may be one off.
    private static bool IsReckoned(TimedFrame frame) =>
        frame.Bytes.Length > MtuBytes + EthernetHeaderBytes && 34 + (frame.Bytes[46] >> 4 << 2) != 66;

    // Else the tests would prove little.
    private static void CheckVariety(GuestRun run)
    {
        Assert.Contains(run.Sent, f => f.Bytes.Length > 4 * MtuBytes);
        Assert.Contains(run.Expected, f => Type(f) == 0x0806);
        foreach (var protocol in (byte[])[1, 6, 17])
        {
            Assert.Contains(run.Expected, f => Type(f) == 0x0800 && f.Bytes[23] == protocol);
        }

        foreach (var protocol in (byte[])[1, 17])
        {
            Assert.Contains(run.Expected, f => Type(f) == 0x0800 && f.Bytes[23] == protocol && (f.Bytes[20] & 0x20) != 0);
        }
    }

    // tshark says of the copy what it says of the original, and finds no wrong checksum in either.
    private static void CheckSameSoundness(TsharkVerdict original, TsharkVerdict copy)
    {
        Assert.Empty(original.Wrong);
        Assert.Empty(copy.Wrong);
        Assert.True(copy.RightChecksums > 1000, $"{copy.RightChecksums} checksums were verified");
        Assert.Equal(original.RightChecksums, copy.RightChecksums);
        Assert.Equal("", string.Join('\n', copy.Findings.Except(original.Findings)));
        Assert.Equal("", string.Join('\n', original.Findings.Except(copy.Findings)));
        Assert.Equal(original.Findings.Count, copy.Findings.Count);
    }

    // What tshark read in each packet's tunnel header (docs/formats/tunnels.md).
    private static void CheckFields(TunnelEnd end, IReadOnlyList<string[]> told, List<TimedFrame> seen, GuestRun run)
    {
        List<string> Column(string field) => [.. told.Select(t => t[Array.IndexOf(end.Fields, field)])];
        void Always(string field, string value) => Assert.Equal([value], Column(field).Distinct());

        switch (end.Name)
        {
            case "vxlan" or "vxlan6" or "narrow":
                Always("vxlan.vni", end.Name == "vxlan" ? "4711" : end.Name == "vxlan6" ? "4712" : "4713");
                break;
            case "geneve":
                Always("geneve.vni", "0x00126a");
                Always("geneve.option.length", "0");
                break;
            case "gre":
                Always("gre.proto", "0x6558");
                Always("gre.key", "0x0000004d");
                break;
            case "erspan1":
                Always("gre.proto", "0x88be");
                Always("gre.sequence_number", "");
                break;
            case "erspan2":
                Always("gre.proto", "0x88be");
                CheckErspan("1", "7");
                Assert.Equal(seen.Select(f => $"{PointOf(f) << 1}"), Column("erspan.index"));
                break;
            case "erspan3":
                Always("gre.proto", "0x22eb");
                CheckErspan("2", "1023");
                Always("erspan.direction", "0");
                Always("erspan.gra", "1");
                Assert.Equal(seen.Select(f => $"{PointOf(f) & 0x3f}"), Column("erspan.hw"));
                // Of the time, 32 bits of 100 ns.
                CheckTimes(Column("erspan.timestamp").ConvertAll(long.Parse), seen, run, timeNs => (uint)(timeNs / 100));
                break;
            case "subheader":
                Always("gre.proto", "0x22eb");
                CheckErspan("2", "1");
                Always("erspan.gra", "2");
                Always("erspan.platid", "5");
                Assert.Equal(seen.Select(f => $"{PointOf(f)}"), Column("erspan.pid5.port_index"));
                var seconds = Column("erspan.pid5.timestamp").Select(long.Parse);
                var times = seconds.Zip(Column("erspan.timestamp").Select(long.Parse), (s, ns) => (s * SecondNs) + ns).ToList();
                CheckTimes(times, seen, run, timeNs => timeNs);
                break;
            case "tzsp":
                Always("tzsp.version", "1");
                Always("tzsp.encap", "1");
                break;
        }

        void CheckErspan(string version, string id)
        {
            Always("erspan.version", version);
            Always("erspan.spanid", id);
            Always("erspan.truncated", "0");
            // Each number once and none left out; packets of two workers may pass each other.
            var numbers = Column("gre.sequence_number").Select(long.Parse).Order();
            Assert.Equal(Enumerable.Range(0, seen.Count).Select(n => (long)n), numbers);
        }

        int PointOf(TimedFrame frame) => run.Points[Convert.ToHexString(frame.Bytes.AsSpan(6, 6))];
    }

    // The stream tells the same time of the same frame, in full.
    private static void CheckTimes(List<long> told, List<TimedFrame> seen, GuestRun run, Func<long, long> form)
    {
        var stamped = told.Zip(seen, (time, f) => f with { TimeNs = time });
        foreach (var (copy, other) in InOrder(stamped, PcapFile.Read(run.Captures[GuestTools.Stream])))
        {
            Assert.Equal(form(other.TimeNs), copy.TimeNs);
        }
    }

    // The same frames in two captures, flow by flow.
    private static IEnumerable<(TimedFrame, TimedFrame)> InOrder(IEnumerable<TimedFrame> one, IEnumerable<TimedFrame> other)
    {
        var others = other.ToLookup(WireOracle.Flow);
        return one.GroupBy(WireOracle.Flow).SelectMany(flow => flow.Zip(others[flow.Key]));
    }

    private static bool IsTcp(TimedFrame frame) => Type(frame) == 0x0800 && frame.Bytes[23] == Tcp;

    private static int Type(TimedFrame frame) => BinaryPrimitives.ReadUInt16BigEndian(frame.Bytes.AsSpan(12));
}
