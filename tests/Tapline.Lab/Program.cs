// One executable, two uses: a tool verb (a frame source, a counter) for benches and scripts, or the test runner.
using Tapline.Lab.Frames;
using Xunit.Runner.InProc.SystemConsole;

namespace Tapline.Lab;

/// <summary>The lab's entry point.</summary>
public static class Program
{
    public static int Main(string[] args)
    {
        if (args is [var verb, ..] && FramesVerb.Knows(verb))
        {
            return FramesVerb.Run(verb, args.AsSpan(1));
        }

        return ConsoleRunner.Run(args).GetAwaiter().GetResult();
    }
}
