// --since and --until of a command line as a window of time. In: what people write (Moment). Out: ns, or one sentence.
using Tapline.Base;

namespace Tapline.Server.Commands;

/// <summary>From one moment on, before another; ns since the epoch.</summary>
internal readonly record struct TimeWindow(long SinceNs, long UntilNs)
{
    /// <summary>Reads both options, either of which may be missing.</summary>
    public static bool TryParse(string? since, string? until, out TimeWindow window, out string? mistake)
    {
        var nowNs = Clock.NowNs();
        var (sinceNs, untilNs) = (long.MinValue, long.MaxValue);
        mistake = since is not null && !Moment.TryParse(since, nowNs, out sinceNs) ? Mistake("--since", since)
            : until is not null && !Moment.TryParse(until, nowNs, out untilNs) ? Mistake("--until", until)
            : sinceNs >= untilNs ? "--since must be before --until."
            : null;
        window = new TimeWindow(sinceNs, untilNs);
        return mistake is null;
    }

    private static string Mistake(string option, string text) =>
        $"{option} \"{TerminalText.Printable(text)}\" is not a time: {Moment.Mend}";
}
