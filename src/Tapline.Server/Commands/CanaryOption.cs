// `--canary`: how often a mirror session is proved by a frame of our own, or not at all.
using System.CommandLine;
using System.Globalization;

namespace Tapline.Server.Commands;

/// <summary>The option, and the same text in a configuration.</summary>
internal static class CanaryOption
{
    /// <summary>Once a minute.</summary>
    public const int SecondsDefault = 60;

    /// <summary>What can be written.</summary>
    public const string Form = "a time from 1s to 86400s, or off";

    private const int SecondsMax = 86_400;

    public static Option<string?> Make()
    {
        var option = new Option<string?>("--canary")
        {
            Description = "How often a frame of our own proves each mirror session, e.g. 60s; off = never.", HelpName = "TIME",
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && Parse(text) is null)
            {
                result.AddError($"--canary wants {Form}, not \"{text}\".");
            }
        });
        return option;
    }

    /// <summary>Seconds, 0 for off; null when the text is neither.</summary>
    public static int? Parse(string text) => text == "off" ? 0
        : int.TryParse(text.EndsWith('s') ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= 1 and <= SecondsMax ? seconds
        : null;
}
