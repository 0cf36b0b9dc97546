// Question of ADR 0003: a stage that needs a frame later copies it into memory of its own. What does that cost beside what
// the frame costs anyway? Frames are walked in a region far larger than the caches, as in a ring: decoded only; decoded and
// copied once; decoded and copied by two consumers.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Bench;

/// <summary>Nanoseconds a frame for decode and copies, by frame size.</summary>
internal static class CopyCost
{
    private const int RegionBytes = 256 << 20;
    private const int TargetBytes = 32 << 20;

    /// <summary>Prints one line for each size.</summary>
    public static void Run(int rounds)
    {
        using var region = new NativeArray<byte>(RegionBytes);
        using var first = new NativeArray<byte>(TargetBytes);
        using var second = new NativeArray<byte>(TargetBytes);
        first.Span.Fill(1);
        second.Span.Fill(1);
        Console.WriteLine("ns a frame (fastest of the rounds): decode only, and one copy, and two copies");
        foreach (var size in (int[])[64, 512, 1514, 32 * 1024])
        {
            Fill(region.Span, size);
            var best = new double[] { double.MaxValue, double.MaxValue, double.MaxValue };
            for (var round = 0; round < rounds; round++)
            {
                for (var copies = 0; copies <= 2; copies++)
                {
                    best[copies] = Math.Min(best[copies], Walk(region.Span, size, copies, first.Span, second.Span));
                }
            }

            Console.WriteLine(FormattableString.Invariant(
                $"{size,6} bytes: {best[0],7:F1} {best[1],7:F1} {best[2],7:F1}"));
        }
    }

    private static void Fill(Span<byte> region, int size)
    {
        for (var at = 0; at + size <= region.Length; at += size)
        {
            var frame = region.Slice(at, size);
            frame[..54].Clear();
            frame[12] = 8;
            frame[14] = 0x45;
            frame[16] = (byte)((size - 14) >> 8);
            frame[17] = (byte)(size - 14);
            frame[23] = 6;
            frame[46] = 0x50;
        }
    }

    private static double Walk(ReadOnlySpan<byte> region, int size, int copies, Span<byte> first, Span<byte> second)
    {
        var frames = region.Length / size;
        var target = 0;
        long sum = 0;
        var before = Stopwatch.GetTimestamp();
        for (var i = 0; i < frames; i++)
        {
            var frame = region.Slice(i * size, size);
            var meta = new FrameMeta { CapturedLength = size, OriginalLength = size, LinkType = LinkType.Ethernet };
            FrameDecoder.Decode(frame, meta, out var layout);
            sum += layout.PayloadLength;
            if (target + size > first.Length)
            {
                target = 0;
            }

            if (copies > 0)
            {
                frame.CopyTo(first[target..]);
            }

            if (copies > 1)
            {
                frame.CopyTo(second[target..]);
            }

            target += size;
        }

        var elapsed = Stopwatch.GetElapsedTime(before);
        Invariant.Check(sum > 0);
        return elapsed.TotalNanoseconds / frames;
    }
}
