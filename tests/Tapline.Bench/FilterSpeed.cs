// What judging one frame costs: our matcher beside a classic BPF machine that runs what libpcap's optimiser made of the same
// text (as Tapline did before it had a language of its own). Frames of a capture file, read into memory once.
using System.Diagnostics;
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Filter;
using Tapline.Tests.Filter.Witness;

namespace Tapline.Bench;

/// <summary>Nanoseconds a frame, by expression.</summary>
internal static class FilterSpeed
{
    private const int FramesAtLeast = 2_000_000;

    private static readonly string[] s_expressions =
    [
        "ip", "tcp", "tcp port 80", "port 53 or 443", "host 10.0.0.1", "net 10.0.0.0/8 and not port 22",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "vlan 100 and udp", "ip6 and tcp", "not (arp or stp or udp port 67)",
        "host 10.0.0.1 or 10.0.0.2 or 10.0.0.3 or 10.0.0.4 or 10.0.0.5 or 10.0.0.6 or 10.0.0.7 or 10.0.0.8",
        "tcp and (ip[2:2] - ((ip[0]&0xf)<<2) - ((tcp[12]&0xf0)>>2)) != 0", "len > 1000",
    ];

    /// <summary>Prints one line for each expression. Exit code.</summary>
    public static int Run(string file, int rounds)
    {
        var frames = Read(file);
        if (frames.Count == 0 || !PcapWitness.IsAvailable)
        {
            Console.Error.WriteLine($"No Ethernet frames in {file}, or libpcap0.8 is not installed.");
            return 1;
        }

        Console.WriteLine($"{frames.Count} frames; ns a frame, fastest of {rounds} rounds: matcher, classic BPF of libpcap, ratio");
        foreach (var expression in s_expressions)
        {
            var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out _)!;
            var program = CbpfProgram.TryLoad(PcapWitness.Compile(expression, LinkType.Ethernet, true, out _)!, out _)!;
            double ours = double.MaxValue, theirs = double.MaxValue;
            for (var round = 0; round < rounds; round++)
            {
                ours = Math.Min(ours, Matcher(frames, filter));
                theirs = Math.Min(theirs, Machine(frames, program));
            }

            Console.WriteLine(FormattableString.Invariant($"{ours,7:F1} {theirs,7:F1} {ours / theirs,6:F2}  {expression}"));
        }

        return 0;
    }

    private static double Matcher(List<(FrameMeta Meta, byte[] Bytes)> frames, CompiledFilter filter)
    {
        var passes = (FramesAtLeast / frames.Count) + 1;
        var start = Stopwatch.GetTimestamp();
        var selected = 0L;
        FrameLayout layout = default;
        for (var pass = 0; pass < passes; pass++)
        {
            foreach (ref readonly var frame in CollectionsMarshal.AsSpan(frames))
            {
                selected += filter.Matches(frame.Meta, in layout, frame.Bytes) ? 1 : 0;
            }
        }

        GC.KeepAlive(selected);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)passes * frames.Count);
    }

    private static double Machine(List<(FrameMeta Meta, byte[] Bytes)> frames, CbpfProgram program)
    {
        var passes = (FramesAtLeast / frames.Count) + 1;
        var start = Stopwatch.GetTimestamp();
        var selected = 0L;
        for (var pass = 0; pass < passes; pass++)
        {
            foreach (ref readonly var frame in CollectionsMarshal.AsSpan(frames))
            {
                selected += CbpfInterpreter.Run(program, frame.Bytes, (uint)frame.Meta.OriginalLength) != 0 ? 1 : 0;
            }
        }

        GC.KeepAlive(selected);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / ((double)passes * frames.Count);
    }

    private static List<(FrameMeta Meta, byte[] Bytes)> Read(string file)
    {
        var frames = new List<(FrameMeta, byte[])>();
        using var source = CaptureFileSource.Open(file, 0, out _);
        var batch = new FrameBatch();
        while (source is not null && source.Lease(batch, -1) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                if (batch.Meta(i).LinkType == LinkType.Ethernet)
                {
                    frames.Add((batch.Meta(i), batch.Bytes(i).ToArray()));
                }
            }

            source.Release(batch);
        }

        return frames;
    }
}
