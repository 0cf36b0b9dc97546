// `tapline replay`: a recording, or capture files, played into any mirror target with the timing that they had. Needs no engine, and
// reads a recording while one records. The account is printed at the end; a terminal shows progress.
using System.CommandLine;
using System.Globalization;
using Tapline.Mirror.Targets;
using Tapline.Server.Config;
using Tapline.Workers.Indexing;
using Tapline.Workers.Past;

namespace Tapline.Server.Commands;

/// <summary>The verb that plays the past.</summary>
internal static class ReplayVerb
{
    public const string Max = "max";

    private const StringSplitOptions Words = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    private static readonly Argument<string[]> s_sources = new("SOURCE")
    {
        Description = "A data folder with a recording, or capture files (pcap, pcapng, gzip), - for standard input.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string[]> s_to = new("--to")
    {
        Description = "Where the frames go: nic:INTERFACE, vxlan://HOST, geneve://HOST, gre://HOST, erspan://HOST, tzsp://HOST, "
            + "file:PATH, pcap-over-ip://:PORT, stdout. Repeated: the targets share the flows.",
        Required = true,
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<string?> s_since = new("--since")
    {
        Description = "From this time on: 10m (ago), RFC 3339, '2026-11-26 01:00' (UTC).", HelpName = "T",
    };

    private static readonly Option<string?> s_until = new("--until")
    {
        Description = "Before this time, written likewise.", HelpName = "T",
    };

    private static readonly Option<string?> s_filter = new("--filter") { Description = "Plays only what this expression selects." };

    private static readonly Option<string[]> s_from = new("--from")
    {
        Description = "Plays only frames of these points: names and globs of interfaces, bridge:NAME, vm:NAME.", HelpName = "P",
    };

    private static readonly Option<string> s_speed = MakeSpeed("1 = as it was, 2 = twice as fast, max = as fast as the target takes it.");

    private static readonly Option<int> s_loop = new("--loop")
    {
        Description = "Plays so many times; 0 = until it is stopped.", HelpName = "N", DefaultValueFactory = _ => 1,
    };

    private static readonly Option<long?> s_limit = new("--limit", "-c") { Description = "Ends after so many frames.", HelpName = "N" };

    private static readonly Option<bool> s_json = new("--json") { Description = "Prints the account as one JSON object." };

    public static Command Build()
    {
        var verb = new Command("replay", "Play a recording or capture files into a tool, with the timing they had.")
        {
            s_sources, s_to, s_since, s_until, s_filter, s_from, s_speed, s_loop, s_limit, s_json,
        };
        foreach (var option in ShapeOptions.All)
        {
            verb.Options.Add(option);
        }

        verb.Examples(
            ("tapline replay /var/lib/tapline --since 10m --to nic:eth2", "The last ten minutes once more, to the tool at eth2."),
            ("tapline replay rec --since '2026-11-26 01:00' --until '2026-11-26 01:05' --filter 'vm web01' --to vxlan://10.0.0.5 --speed 2",
                "Five minutes of a VM through a tunnel, twice as fast."),
            ("tapline replay attack.pcapng --to nic:eth2 --speed max --loop 10", "A capture ten times, as fast as the tool takes it."),
            ("tapline replay case.pcap --to nic:eth2 --anonymise /etc/tapline/ids.key --slice 128", "Shaped as live copies are."),
            ("zstd -dc case.pcapng.zst | tapline replay - --to stdout --speed 1 | tshark -r -", "A capture as if it were happening."));
        verb.SetAction(Run);
        return verb;
    }

    /// <summary>An option for speeds; <see cref="ParseSpeed"/> reads it.</summary>
    public static Option<string> MakeSpeed(string description, string usual = "1")
    {
        var option = new Option<string>("--speed") { Description = description, HelpName = "SPEED", DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (ParseSpeed(result.GetValueOrDefault<string>()) is null)
            {
                result.AddError("--speed wants a number above 0 (0.5, 1, 10), or max.");
            }
        });
        return option;
    }

    /// <summary>A speed as a factor, 0 = max; null = none.</summary>
    public static double? ParseSpeed(string? text) => text == Max ? 0
        : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var speed)
            && speed is >= 0.0001 and <= 1e6
            ? speed
            : null;

    private static int Run(ParseResult parsed)
    {
        if (Read(parsed, out var mistake) is not { } options)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
            return ExitCodes.Usage;
        }

        using var signals = new StopSignals();
        using var replay = Replay.Open(options, out var fault, out var isUsage);
        if (replay is null)
        {
            Console.Error.WriteLine($"tapline: {TerminalText.Printable(fault)}");
            return isUsage ? ExitCodes.Usage : ExitCodes.Failed;
        }

        if (replay.WaitsFor is { } listener)
        {
            Console.Error.WriteLine($"tapline: waiting for a reader of {TerminalText.Printable(listener)}");
        }

        ReplayReport report;
        using (var progress = new ProgressLine())
        {
            report = replay.Run(r => progress.Show(r.Ledger.Offered, r.ReadBytes, r.TotalBytes), signals.Token);
        }

        using var output = TargetParser.Parse(options.To, out _) is StdoutTarget
            ? new AnswerOutput(Console.OpenStandardError())
            : new AnswerOutput();
        ReplayText.Write(output, report, options.Speed, parsed.GetValue(s_json));
        output.Flush();
        return report.Faults.Count > 0 || Tapline.Workers.MirrorTotals.Dropped(report.Ledger) > 0 ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static ReplayOptions? Read(ParseResult parsed, out string? mistake)
    {
        var sources = parsed.GetValue(s_sources)!;
        var folder = sources.FirstOrDefault(Directory.Exists);
        var to = string.Join(GroupTarget.Separator, parsed.GetValue(s_to)!);
        mistake = folder is not null && sources.Length > 1 ? "Play one recording, or capture files: not both, and not several recordings."
            : parsed.GetValue(s_limit) is <= 0 ? "--limit wants a number above 0."
            : parsed.GetValue(s_loop) < 0 ? "--loop wants how often, or 0 for ever."
            : TargetParser.Parse(to, out _) is StdoutTarget && !Console.IsOutputRedirected
                ? "Frames are no text for a terminal; give them to a program: tapline replay … --to stdout | tshark -r -"
            : null;
        if (mistake is not null || !TimeWindow.TryParse(parsed.GetValue(s_since), parsed.GetValue(s_until), out var window, out mistake))
        {
            return null;
        }

        return new ReplayOptions
        {
            Recording = folder is null ? null : new DataFolder(Path.GetFullPath(folder)).RecordingThere,
            Files = folder is null ? sources : [],
            From = [.. (parsed.GetValue(s_from) ?? []).SelectMany(w => w.Split(',', Words))],
            To = to,
            Filter = parsed.GetValue(s_filter),
            Shape = ShapeOptions.Read(parsed),
            Speed = ParseSpeed(parsed.GetValue(s_speed))!.Value,
            SinceNs = window.SinceNs,
            UntilNs = window.UntilNs,
            Passes = parsed.GetValue(s_loop),
            Limit = parsed.GetValue(s_limit) ?? long.MaxValue,
            MakeIndex = path => SegmentIndexer.TryIndex(path, out _),
        };
    }
}
