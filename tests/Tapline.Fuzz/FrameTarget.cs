// The frame decoder on hostile frames. The first two bytes of an input choose the link type and how much longer than
// its captured bytes the frame was. Oracles: the invariants of a layout, the long path, the end of readable memory,
// checksums that are right once completed, handshakes of which no more is kept than there is.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Record.Keep;
using Tapline.Tests.Support;

namespace Tapline.Fuzz;

/// <summary>Fuzzes decoding, TCP options and checksums.</summary>
public sealed class FrameTarget : IFuzzTarget
{
    private const int LengthMax = 1 << 21;
    private static readonly LinkType[] s_links =
    [
        LinkType.Ethernet, LinkType.Null, LinkType.Ppp, LinkType.PppHdlc, LinkType.PppEther, LinkType.Raw, LinkType.Loop,
        LinkType.LinuxSll, LinkType.PppWithDirection, LinkType.LinuxSll2, LinkType.Ieee80211, LinkType.Ipv6,
    ];

    private readonly GuardedPages _pages = new(LengthMax);

    private HandshakeFlow _flow;

    public string Name => "frame";

    public IReadOnlyList<byte[]> Seeds { get; } = SampleFrames.All
        .Where(sample => sample.Bytes.Length < 4096)
        .Select(sample => (byte[])[(byte)Math.Max(0, Array.IndexOf(s_links, sample.LinkType)), 0, .. sample.Bytes])
        .ToArray();

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length is < 2 or > LengthMax)
        {
            return;
        }

        var frame = _pages.Place(input[2..]);
        var meta = new FrameMeta
        {
            CapturedLength = frame.Length,
            OriginalLength = frame.Length + input[1],
            LinkType = s_links[input[0] % s_links.Length],
            Flags = input[0] >= 128 ? FrameFlags.HasFcs : FrameFlags.None,
        };
        FrameDecoder.Decode(frame, in meta, out var layout);
        FrameDecoder.DecodeAny(frame, in meta, out var thorough);
        Must(LayoutInvariants.Same(layout, thorough), "both paths give the same layout");
        var violated = LayoutInvariants.Violated(layout, frame.Length, meta.OriginalLength);
        Must(violated is null, $"the layout keeps its rule: {violated}");
        if (TcpHeader.TryRead(frame, layout, out var tcp))
        {
            var options = tcp.ReadOptions();
            for (var i = 0; i < options.SackCount; i++)
            {
                _ = options.Sack(i);
            }
        }

        Checksums(frame, layout);
        Handshakes(frame, layout, input[1]);
    }

    public void Dispose() => _pages.Dispose();

    // As a flow of its own, and as one more frame of a flow that has seen all inputs before.
    private void Handshakes(ReadOnlySpan<byte> frame, in FrameLayout layout, int segmentBytes)
    {
        var fresh = default(HandshakeFlow);
        Check(HandshakeKeep.PayloadOf(ref fresh, layout, frame, segmentBytes), frame, layout);
        Check(HandshakeKeep.PayloadOf(ref _flow, layout, frame, segmentBytes), frame, layout);
        _flow = _flow.Protocol == HandshakeProtocol.Other ? default : _flow;

        static void Check(int kept, ReadOnlySpan<byte> frame, in FrameLayout layout) => Must(
            kept >= HandshakeKeep.NotEncrypted && kept <= Math.Max(0, frame.Length - layout.PayloadOffset),
            "no more is kept of a payload than there is");
    }

    private static void Checksums(ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        var state = PacketChecksum.VerifyTransport(frame, layout);
        PacketChecksum.VerifyIpv4Header(frame, layout);
        var copy = frame.ToArray();
        var completed = PacketChecksum.Complete(copy, layout);
        if (state != ChecksumState.Bad)
        {
            return;
        }

        Must(completed, "a checksum that was verified can be completed");
        Must(PacketChecksum.VerifyTransport(copy, layout) == ChecksumState.Good, "a completed checksum is good");
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
