// All Ethernet frames of the corpus, and what becomes of each under a shape, as capture files that a witness can read:
// the n-th frame after is the n-th frame before.
using System.Collections.Concurrent;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Shape;

/// <summary>A frame of a capture.</summary>
internal sealed record CorpusFrame(string File, FrameMeta Meta, byte[] Bytes)
{
    /// <summary>The decoder's view.</summary>
    public FrameLayout Layout
    {
        get
        {
            FrameDecoder.Decode(Bytes, Meta, out var layout);
            return layout;
        }
    }

    public override string ToString() => $"{File} frame {Meta.FrameNumber}";
}

/// <summary>A frame and its copy.</summary>
internal sealed record ShapedFrame(CorpusFrame Frame, byte[] Copy);

/// <summary>The corpus under a shape.</summary>
internal static class ShapeCorpus
{
    public static readonly byte[] Key = Enumerable.Range(0, 32).Select(i => (byte)(i * 7)).ToArray();

    private const uint NanosecondMagic = 0xA1B23C4D;
    private const int MtuBytes = 256 * 1024;

    private static readonly Lazy<IReadOnlyList<CorpusFrame>> s_frames = new(Read);

    // What tshark says of the whole corpus before, by fields and options.
    private static readonly ConcurrentDictionary<string, Lazy<List<string[]>>> s_before = new();

    /// <summary>Every Ethernet frame; skips the test where there is no corpus.</summary>
    public static IReadOnlyList<CorpusFrame> Frames
    {
        get
        {
            Support.Corpus.Root();
            return s_frames.Value;
        }
    }

    /// <summary>The plan of a shape; its keys are <see cref="Key"/>.</summary>
    public static ShapePlan Plan(string shape)
    {
        var mistakes = new List<string>();
        var plan = ShapeParser.Parse(shape, _ => new ShapeKey(Key, null), 42, mistakes);
        Assert.True(plan is not null, string.Join('\n', mistakes));
        return plan;
    }

    /// <summary>A session with that shape.</summary>
    public static MirrorSession Session(string shape, WireOutput output) => new(
        new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x"), Shape = Plan(shape) }, output);

    /// <summary>The frames that left and their copies; each capture goes through a session of its own.</summary>
    public static List<ShapedFrame> Shape(string shape, IEnumerable<CorpusFrame> frames)
    {
        var shaped = new List<ShapedFrame>();
        foreach (var file in frames.GroupBy(frame => frame.File))
        {
            var output = new MemoryOutput { MtuBytes = MtuBytes };
            using var session = Session(shape, output);
            var offered = 0;
            foreach (var frame in file)
            {
                session.Offer(frame.Meta, frame.Layout, frame.Bytes);
                session.EndBatch();
                offered++;
                Assert.Equal((offered, true), (session.Counters.Offered, session.Counters.Balances));
                if (output.Taken!.Count == 0)
                {
                    continue;
                }

                shaped.Add(new ShapedFrame(frame, Assert.Single(output.Taken)));
                output.Taken.Clear();
            }
        }

        return shaped;
    }

    /// <summary>Writes frames as a capture with nanoseconds.</summary>
    public static void Write(string path, IEnumerable<(FrameMeta Meta, byte[] Bytes)> frames)
    {
        var file = new CaptureBytes().PcapHeader(NanosecondMagic, snapLength: MtuBytes);
        foreach (var (meta, bytes) in frames)
        {
            var (seconds, rest) = Math.DivRem(Math.Max(0, meta.TimestampNs), 1_000_000_000L);
            file.PcapRecord(bytes, (uint)seconds, (uint)rest);
        }

        File.WriteAllBytes(path, file.ToArray());
    }

    /// <summary>What tshark says of each frame before and after; of the whole corpus before, it is asked once.</summary>
    public static (List<string[]> Before, List<string[]> After) Witness(
        IReadOnlyList<ShapedFrame> shaped, string[] fields, params string[] options)
    {
        var isWhole = shaped.Count == Frames.Count
            && shaped.Zip(Frames).All(p => ReferenceEquals(p.First.Frame.Bytes, p.Second.Bytes));
        var before = isWhole
            ? s_before.GetOrAdd(string.Join(' ', [.. fields, .. options]), _ => new(() => Ask(Before(), fields, options))).Value
            : Ask(Before(), fields, options);
        Assert.Equal(shaped.Count, before.Count);
        if (!options.Contains("ip.defragment:FALSE"))
        {
            var all = Ask(shaped.Select(s => (s.Frame.Meta, s.Copy)), fields, options);
            Assert.Equal(shaped.Count, all.Count);
            return (before, all);
        }

        // Each frame is judged alone: of the same bytes it would say the same.
        var changed = Enumerable.Range(0, shaped.Count)
            .Where(i => !shaped[i].Frame.Bytes.AsSpan().SequenceEqual(shaped[i].Copy)).ToList();
        var told = Ask(changed.Select(i => (shaped[i].Frame.Meta, shaped[i].Copy)), fields, options);
        Assert.Equal(changed.Count, told.Count);
        var after = new List<string[]>(before);
        for (var i = 0; i < changed.Count; i++)
        {
            after[changed[i]] = told[i];
        }

        return (before, after);

        IEnumerable<(FrameMeta, byte[])> Before() => shaped.Select(s => (s.Frame.Meta, s.Frame.Bytes));
    }

    private static List<string[]> Ask(IEnumerable<(FrameMeta, byte[])> frames, string[] fields, string[] options)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "frames.pcap");
        Write(file, frames);
        return Tshark.Fields(file, fields, Tshark.HeaderProtocols, options);
    }

    /// <summary>Fails with the first differences, when there are any.</summary>
    public static void NoneOf(IReadOnlyCollection<string> differences) => Assert.True(
        differences.Count == 0, $"{differences.Count} differences, such as\n{string.Join('\n', differences.Take(20))}");

    private static List<CorpusFrame> Read()
    {
        var frames = new List<CorpusFrame>();
        var root = Support.Corpus.Root();
        foreach (var path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var source = CaptureFileSource.Open(path, 0, out _);
            if (source is null)
            {
                continue;
            }

            var batch = new FrameBatch();
            while (source.Lease(batch, 1000) is LeaseResult.Frames or LeaseResult.Idle)
            {
                for (var i = 0; i < batch.Count; i++)
                {
                    var meta = batch.Meta(i);
                    if (meta.LinkType == LinkType.Ethernet)
                    {
                        meta.PointId = 0;
                        frames.Add(new CorpusFrame(Path.GetRelativePath(root, path), meta, batch.Bytes(i).ToArray()));
                    }
                }

                source.Release(batch);
            }
        }

        return frames;
    }
}
