// Shapes on hostile frames. The first bytes of an input choose one of the shapes (made from a seed, any operations
// together) and what capture claims of the frame: cut, super-frame, open checksum. Oracles: the ledger balances, what
// leaves is no longer than it can be, and the innermost checksum is as right or wrong as it was.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Tests.Mirror;
using Tapline.Tests.Support;

namespace Tapline.Fuzz;

/// <summary>Fuzzes mirror sessions with shapes.</summary>
public sealed class ShapeTarget : IFuzzTarget
{
    private const int HeadBytes = 8;
    private const int LengthMax = 1 << 17;
    private const int ShapesCount = 64;
    private const int OutputBytes = 2 * Limits.FrameBytesMax;
    private const int MtuBytes = 70_000;

    private static readonly string[][] s_words =
    [
        ["dedup", "dedup=1ms,ignore-ttl,ignore-checksum", "dedup=10s,mac"],
        ["sample=1/2", "sample=random:1/2", "sample=flow:1/2"],
        ["strip=tunnels,mpls,vlan", "strip=outer-vlan,vxlan,ipip", "strip=mpls,gre,erspan"],
        ["mask=passwords,http-cookies,cards,emails", "mask=payload;mask-fill=key:k", "mask=offset:3+9,hex:00??ff,iregex:a.*b",
            "mask=cards,text:GET;mask-fill=0x00"],
        ["anonymise=k", "anonymise=k,all"],
        ["mac-dst=02:00:00:00:00:99", "mac-src=02:00:00:00:00:98"],
        ["vlan=100", "vlan=7,pcp:3,ad"],
        ["slice=64", "slice=l4+10", "slice=l3", "slice=l2+1,packets:2", "slice=bytes:100,drop"],
        ["cap=5000fps", "cap=100M"],
    ];

    private readonly MirrorSession[] _sessions = new MirrorSession[ShapesCount];
    private readonly MemoryOutput[] _outputs = new MemoryOutput[ShapesCount];
    private readonly string[] _shapes = new string[ShapesCount];
    private readonly GuardedPages _pages = new(LengthMax);
    private long _timeNs;

    /// <summary>A target that starts from the samples and the frames given.</summary>
    public ShapeTarget(IEnumerable<byte[]>? frames = null)
    {
        var random = new Random(ShapesCount);
        for (var i = 0; i < ShapesCount; i++)
        {
            _shapes[i] = string.Join(';', s_words.Where(_ => random.Next(2) == 0).Select(words => words[random.Next(words.Length)]));
            _shapes[i] = _shapes[i].Length == 0 ? "anonymise=k" : _shapes[i];
            if (_shapes[i].Contains("passwords", StringComparison.Ordinal))
            {
                // Fields cannot be followed in a sample of frames.
                _shapes[i] = _shapes[i].Replace("sample=1/2", "sample=flow:1/2", StringComparison.Ordinal)
                    .Replace("random:", "flow:", StringComparison.Ordinal);
            }

            var mistakes = new List<string>();
            var plan = ShapeParser.Parse(_shapes[i], _ => new ShapeKey(new byte[32], null), 42, mistakes);
            _outputs[i] = new MemoryOutput(4096, OutputBytes) { MtuBytes = MtuBytes };
            _sessions[i] = new MirrorSession(new MirrorSessionOptions
            {
                Id = 0, Name = "fuzz", Target = new NicTarget("x"),
                Shape = plan ?? throw new FuzzFinding($"{_shapes[i]}: {string.Join(' ', mistakes)}"),
            }, _outputs[i]);
        }

        Seeds = SampleFrames.All.Where(sample => sample.LinkType == LinkType.Ethernet && sample.Bytes.Length < 4096)
            .Select(sample => sample.Bytes).Concat(frames ?? [])
            .Select((frame, i) => (byte[])[(byte)i, 0, 0, 0, 0, 0, 0, 0, .. frame]).ToArray();
    }

    public string Name => "shape";

    public IReadOnlyList<byte[]> Seeds { get; }

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length is < HeadBytes or > LengthMax)
        {
            return;
        }

        // The first byte's shape, and one more that the second byte chooses.
        One(input, input[0] % ShapesCount);
        One(input, input[1] % ShapesCount);
    }

    public void Dispose()
    {
        foreach (var session in _sessions)
        {
            session.Dispose();
        }

        _pages.Dispose();
    }

    private void One(ReadOnlySpan<byte> input, int shape)
    {
        var frame = _pages.Place(input[HeadBytes..]);
        var meta = new FrameMeta
        {
            TimestampNs = _timeNs += 100_000,
            CapturedLength = frame.Length,
            OriginalLength = frame.Length + ((input[2] & 1) != 0 ? input[3] : 0),
            LinkType = LinkType.Ethernet,
        };
        if ((input[2] & 2) != 0)
        {
            meta.Flags = FrameFlags.ChecksumPartial;
            meta.ChecksumStart = (ushort)(input[4] * 2);
            meta.ChecksumOffset = input[5];
        }

        if ((input[2] & 4) != 0)
        {
            meta.GsoType = (GsoType)(input[2] >> 4);
            meta.GsoSize = BinaryPrimitives.ReadUInt16BigEndian(input[6..]);
        }

        FrameDecoder.Decode(frame, meta, out var layout);
        var session = _sessions[shape];
        var offered = session.Counters.Offered;
        _outputs[shape].Taken!.Clear();
        session.Offer(meta, layout, frame);
        session.EndBatch();
        Must(session.Counters.Offered == offered + 1 && session.Counters.Balances && session.Counters.Waiting == 0,
            $"the ledger of {_shapes[shape]} balances");
        foreach (var copy in _outputs[shape].Taken!)
        {
            Must(copy.Length is >= 14 and <= MtuBytes + 18, $"{copy.Length} bytes are a frame's ({_shapes[shape]})");
            Must(copy.Length <= frame.Length + 12, $"{copy.Length} bytes come of {frame.Length} ({_shapes[shape]})");
        }

        var plan = session.Options.Shape!;
        if (_outputs[shape].Taken is [var only] && plan.Strip == 0 && plan.SliceBytes < 0 && !plan.FollowsFlows
            && (input[2] & 7) == 0)
        {
            CompareChecksums(frame, layout, only, meta, plan, _shapes[shape]);
        }
    }

    private static void CompareChecksums(
        ReadOnlySpan<byte> frame, in FrameLayout layout, byte[] copy, FrameMeta meta, ShapePlan plan, string shape)
    {
        var added = plan.VlanTag == 0 ? 0 : 4;
        Must(copy.Length == frame.Length + added, $"{shape} keeps the length");
        meta.CapturedLength = meta.OriginalLength = copy.Length;
        FrameDecoder.Decode(copy, meta, out var after);
        if (after.IpVersion == 0 || after.NetworkOffset != layout.NetworkOffset + added
            || after.TransportOffset != layout.TransportOffset + added)
        {
            return;
        }

        Must(PacketChecksum.VerifyIpv4Header(frame, layout) == PacketChecksum.VerifyIpv4Header(copy, after),
            $"{shape} keeps the IPv4 checksum as right as it was");
        // Nothing but zeros sums up to the other zero of ones' complement: wrong by the letter, but no change can tell
        // it from right (RFC 1624 section 3).
        var end = Math.Min(frame.Length, layout.TransportOffset + layout.TransportHeaderLength + layout.PayloadLength);
        if (!frame[Math.Min(layout.TransportOffset, end)..end].ContainsAnyExcept((byte)0))
        {
            return;
        }

        var (was, now) = (PacketChecksum.VerifyTransport(frame, layout), PacketChecksum.VerifyTransport(copy, after));
        Must(was == now, $"{shape} keeps the transport checksum (protocol {layout.IpProtocol}) {was}; it is {now}");
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
