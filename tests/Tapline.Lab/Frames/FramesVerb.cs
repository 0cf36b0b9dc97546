// The lab's tools as commands for benches and scripts: `frames` (the frame source), `lose` and `tag` (programs on an
// interface). Each prints one JSON object or one sentence.
using System.Diagnostics;
using System.Globalization;
using Tapline.Lab.Net;

namespace Tapline.Lab.Frames;

/// <summary>The tool verbs.</summary>
internal static class FramesVerb
{
    private const string Usage =
        """
        usage: Tapline.Lab frames --dev VETH [--netns NAME] [--size 64] [--rate FRAMES_PER_SECOND | 0 = as fast as it goes]
                                  [--seconds 3 | --count N] [--flows 4096] [--port-bits 14] [--cpu N] [--tick-us 1000]
                   sends numbered UDP frames into a veth end; they arrive on its peer (which needs `ethtool -K PEER gro on`)
               Tapline.Lab lose --netns NAME --dev IF --one-in N      drops one TCP data frame in N that enters
               Tapline.Lab tag --netns NAME --dev IF --vlan ID [--service-vlan ID]     tags what leaves, untags what enters
        """;

    public static bool Knows(string verb) => verb is "frames" or "lose" or "tag";

    public static int Run(string verb, ReadOnlySpan<string> arguments)
    {
        var options = VerbOptions.Parse(arguments);
        if (options?.Text("dev") is not { } device || (verb != "frames" && !options.Has("netns")))
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        try
        {
            switch (verb)
            {
                case "lose":
                    LossProgram.Attach(options.Text("netns")!, device, options.Whole("one-in", 20)).Dispose();
                    return 0;
                case "tag":
                    VlanProgram.Attach(options.Text("netns")!, device, options.Whole("vlan", 1), options.Whole("service-vlan", 0));
                    return 0;
                default:
                    return options.Text("netns") is { } space
                        ? NetNamespace.EnterNamed(space, () => Send(device, options))
                        : Send(device, options);
            }
        }
        catch (Exception problem) when (problem is InvalidOperationException or FormatException or ArgumentException)
        {
            Console.Error.WriteLine(problem.Message);
            return 1;
        }
    }

    private static int Send(string device, VerbOptions options)
    {
        if (options.Has("cpu"))
        {
            FrameSource.PinTo(options.Whole("cpu", 0));
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, signal) =>
        {
            signal.Cancel = true;
            stop.Cancel();
        };
        using var source = new FrameSource(
            LinkIndex.Of(device), options.Whole("size", 64), options.Whole("flows", 4096), options.Whole("port-bits", 14));
        double seconds;
        if (options.Has("count"))
        {
            var watch = Stopwatch.StartNew();
            source.Send((long)options.Number("count", 0));
            seconds = watch.Elapsed.TotalSeconds;
        }
        else
        {
            seconds = source.SendPaced(
                options.Number("rate", 0), options.Number("seconds", 3), options.Whole("tick-us", 1000), stop.Token);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"sent\":{source.Sent},\"seconds\":{seconds:F3},\"frames_per_second\":{source.Sent / seconds:F0}}}"));
        return 0;
    }
}
