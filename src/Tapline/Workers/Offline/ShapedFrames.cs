// The frames of a query changed on their way out, by the shapes of mirror sessions: sampled, de-duplicated, stripped, masked, anonymised,
// tagged, sliced, in the mirror's order; then, where wanted, as a wire carries them. In: frames as recorded. Out: what is left of
// them, with the lengths that they had. A frame in which something must be hidden and can't be found does not leave, and is counted.
// One thread; owns the shaper's tables and two buffers of the largest frame.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Shape;
using Tapline.Record.Extract;

namespace Tapline.Workers.Offline;

/// <summary>Shapes what passes.</summary>
public sealed class ShapedFrames : IExtractSink, IDisposable
{
    private static readonly string[] s_secrets = ["mask", "mask-fill", "anonymise", "anonymize"];
    private readonly IExtractSink _next;
    private readonly WireFrames? _wire;
    private readonly ShapePlan _plan;
    private readonly FrameShaper _shaper;
    private readonly List<long> _unitsNs = [];
    private readonly byte[] _block = new byte[Limits.FileRecordBytesMax];

    internal ShapedFrames(ShapePlan plan, string words, WireFrames? wire, IExtractSink next)
    {
        _plan = plan;
        _shaper = new FrameShaper(plan);
        _wire = wire;
        _next = next;
        Change = Describe(words);
    }

    /// <summary>What is done, for the answer's own account: without keys and without what is looked for.</summary>
    public string Change { get; }

    /// <summary>Frames that the shape did not take: duplicates, out of the sample, beyond what is wanted of a flow.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Frames that did not leave because what must be hidden or taken off could not be found in them.</summary>
    public long Withheld { get; private set; }

    /// <summary>Reads a shape; null with one sentence when it is wrong, or has no meaning for an answer.</summary>
    /// <param name="words">As for mirror sessions, `word=value` separated by semicolons.</param>
    /// <param name="wire">Where super-frames are to go; null = they stay as recorded.</param>
    /// <param name="next">Where frames go.</param>
    /// <param name="mistake">The sentence.</param>
    public static ShapedFrames? TryMake(string words, WireFrames? wire, IExtractSink next, out string? mistake)
    {
        ArgumentNullException.ThrowIfNull(words);
        ArgumentNullException.ThrowIfNull(next);
        return ReadPlan(words, out mistake) is { } plan ? new ShapedFrames(plan, words, wire, next) : null;
    }

    /// <summary>What is wrong with a shape, as a sentence; null = nothing.</summary>
    public static string? FindMistake(string words) => ReadPlan(words, out var mistake) is null ? mistake : null;

    public void Begin(ExtractPlan plan) => _next.Begin(plan);

    public void AddPoint(ExtractPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        _unitsNs.Add(point.UnitNs);
        (_wire ?? _next).AddPoint(point);
    }

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
    {
        FrameDecoder.Decode(frame, meta, out var layout);
        if (_shaper.Admit(meta, layout, frame) != ShapeVerdict.Taken)
        {
            LeftOut++;
            return;
        }

        var facts = meta;
        var bytes = frame;
        if ((_plan.Rewrites && meta.LinkType != LinkType.Ethernet) || !_shaper.TryShape(ref facts, ref layout, ref bytes, out _))
        {
            Withheld++;
            return;
        }

        var cut = _shaper.Cut(layout, bytes);
        if (_wire is not null && WireFrames.IsUnfinished(facts))
        {
            if (_wire.TryTake(facts, layout, bytes, cut))
            {
                return;
            }

            _wire.CountLeft();
        }

        Write(facts, block, bytes[..Math.Min(bytes.Length, cut.Keep(0, 0))], isWhole: bytes.Length <= cut.Keep(0, 0));
    }

    public void Rest() => _next.Rest();

    public void Dispose() => _shaper.Dispose();

    // What was said of a frame that is only cut stays true of it; of one that was rewritten only its facts do.
    private void Write(FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame, bool isWhole)
    {
        if (isWhole && !_plan.Rewrites)
        {
            _next.Take(meta, block, frame);
            return;
        }

        meta.CapturedLength = frame.Length;
        var stamped = meta with { TimestampNs = meta.TimestampNs / _unitsNs[meta.PointId] };
        var length = _plan.Rewrites
            ? PcapngWriter.WritePacket(_block, meta.PointId, stamped, frame)
            : PcapngWriter.WritePacket(_block, meta.PointId, stamped, frame, PacketBlock.Options(block));
        _next.Take(meta, _block.AsSpan(0, length), frame);
    }

    private static ShapePlan? ReadPlan(string words, out string? mistake)
    {
        var plan = ShapeOrders.Read(words, out mistake);
        if (plan is { Cap: null, Pace: null })
        {
            return plan;
        }

        mistake ??= plan is null ? "A shape without a word changes nothing; leave it out."
            : "An answer has no rate: leave cap and pace out.";
        return null;
    }

    // A pattern or a key file's place is nobody's business who gets the answer.
    private static string Describe(string words) => string.Join(", ", words.Split(';').Select(word =>
    {
        var name = word.Split('=')[0].Trim();
        return s_secrets.Contains(name) ? name : word.Trim();
    }));
}
