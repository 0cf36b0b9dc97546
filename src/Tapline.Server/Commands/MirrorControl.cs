// `tapline mirror list|add|remove`: the mirror sessions of a running engine, over its socket. The engine checks the whole
// set before it changes anything; what it refuses is printed as it says it.
using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;
using Tapline.Base;
using Tapline.Server.Config;
using Tapline.Server.Telemetry;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The sub-verbs of `mirror`.</summary>
internal static class MirrorControl
{
    private static readonly Option<string> s_data = new("--data")
    {
        Description = "Data folder of the engine.", HelpName = "DIR", DefaultValueFactory = _ => DataFolder.Default,
    };

    private const int PipeColumns = 240;
    private const int WideColumns = 120;

    private static readonly (string Title, bool IsNumber, bool IsWide)[] s_columns =
    [
        ("session", false, false), ("to", false, false), ("from", false, true), ("filter", false, true), ("state", false, false),
        ("canary", false, false), ("offered", true, true), ("sent", true, false), ("filtered", true, true), ("sampled out", true, true),
        ("dropped", true, false),
    ];

    private static readonly Option<bool> s_json = new("--json") { Description = "Prints the engine's answer as one JSON object." };

    public static Command BuildList()
    {
        var verb = new Command("list", "The mirror sessions of the running engine, with their ledgers.") { s_data, s_json };
        verb.Examples(("tapline mirror list --data /var/lib/tapline", "what is mirrored where, and what became of it"));
        verb.SetAction((parsed, stop) => AskAsync(parsed, "{\"verb\":\"mirrors\"}\n", stop));
        return verb;
    }

    public static Command BuildAdd()
    {
        var spec = new Argument<string>("SPEC")
        {
            Description = "TARGET[;from=P,P][;filter=EXPR][;slice=N][;session=NAME], as in `tapline engine --mirror`.",
        };
        var since = MakeSince();
        var speed = MakeSpeed();
        var verb = new Command("add", "Starts one more mirror session in the running engine; the others lose no frame.")
        {
            spec, since, speed, s_data, s_json,
        };
        verb.Examples(
            ("tapline mirror add 'nic:eth2;from=vm:web01;filter=tcp port 443;session=ids'", "until it is removed or the engine ends"),
            ("tapline mirror add 'nic:eth2;session=ids' --since 10m",
                "the last ten minutes of the recording first, then live, without a gap"),
            ("tapline mirror add 'nic:eth3;session=late' --since 10m --speed 1", "a delay line: everything, ten minutes later"));
        verb.SetAction(async (parsed, stop) =>
        {
            if (EngineOrders.Mirror(parsed.GetValue(spec)!, 1, out var mistake) is not { } plan)
            {
                await Console.Error.WriteLineAsync($"tapline: {mistake}");
                return ExitCodes.Usage;
            }

            if (parsed.GetValue(since) is { } moment)
            {
                plan = plan with
                {
                    SinceNs = ParseSince(moment), OrderedNs = Clock.NowNs(),
                    Speed = ReplayVerb.ParseSpeed(parsed.GetValue(speed))!.Value,
                };
            }

            return await AskAsync(parsed, AddRequest(plan), stop);
        });
        return verb;
    }

    /// <summary>The option that lets a session begin in the past.</summary>
    public static Option<string?> MakeSince()
    {
        var since = new Option<string?>("--since")
        {
            Description = "Begins in the past: the node's recording from this time on first (10m ago, RFC 3339, UTC), then live.",
            HelpName = "T",
        };
        since.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !Moment.TryParse(text, Clock.NowNs(), out _))
            {
                result.AddError($"--since \"{TerminalText.Printable(text)}\" is not a time: {Moment.Mend}");
            }
        });
        return since;
    }

    /// <summary>How fast the past is played.</summary>
    public static Option<string> MakeSpeed() => ReplayVerb.MakeSpeed(
        "How fast the past is played: max, or 2 = twice as fast as it was; up to 1 it never gets to the present (a delay line).",
        ReplayVerb.Max);

    /// <summary>A checked moment in ns.</summary>
    public static long ParseSince(string text) => Moment.TryParse(text, Clock.NowNs(), out var sinceNs) ? sinceNs : 0;

    /// <summary>The request that adds a session; and the one that removes it.</summary>
    public static (string Add, string Remove) Requests(MirrorPlan plan) => (AddRequest(plan), RemoveRequest(plan.Session));

    public static Command BuildRemove()
    {
        var session = new Argument<string>("SESSION") { Description = "Its name, as `tapline mirror list` shows it." };
        var verb = new Command("remove", "Ends a mirror session of the running engine.") { session, s_data, s_json };
        verb.Examples(("tapline mirror remove ids", "its last frames leave first"));
        verb.SetAction((parsed, stop) => AskAsync(parsed, RemoveRequest(parsed.GetValue(session)!), stop));
        return verb;
    }

    private static string AddRequest(MirrorPlan plan) => Request(json =>
    {
        json.WriteString("verb", "mirror_add");
        json.WriteStartObject("mirror");
        MirrorPlanJson.Write(json, plan);
        json.WriteEndObject();
    });

    private static string RemoveRequest(string session) => Request(json =>
    {
        json.WriteString("verb", "mirror_remove");
        json.WriteString("session", session);
    });

    private static string Request(Action<Utf8JsonWriter> write)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(line.WrittenSpan) + "\n";
    }

    private static async Task<int> AskAsync(ParseResult parsed, string request, CancellationToken stop)
    {
        // Opening targets and changing over may take a few seconds on a busy host.
        await using var engine = new EngineClient(new DataFolder(parsed.GetValue(s_data)!).EngineSocket, TimeSpan.FromSeconds(30));
        try
        {
            var answer = await engine.MirrorsAsync(request, stop);
            if (parsed.GetValue(s_json))
            {
                Console.WriteLine(JsonSerializer.Serialize(answer, TelemetryJson.Default.MirrorList));
            }
            else
            {
                Print(answer.Mirrors);
            }

            return ExitCodes.Ok;
        }
        catch (EngineUnavailableException e)
        {
            await Console.Error.WriteLineAsync($"tapline: {e.Message}");
            return ExitCodes.Failed;
        }
    }

    /// <summary>Sessions with their ledgers, for people.</summary>
    public static void Print(IReadOnlyList<EngineSnapshot.Mirror> mirrors)
    {
        if (mirrors.Count == 0)
        {
            Console.WriteLine("Nothing is mirrored. Start a session with `tapline mirror add nic:INTERFACE`.");
            return;
        }

        // A narrow terminal does without what was ordered, and without copies that nobody wanted.
        var isWide = TerminalWidth.Take(PipeColumns) >= WideColumns;
        var table = new Table { Border = TableBorder.Simple };
        foreach (var (title, isNumber, _) in s_columns.Where(c => isWide || !c.IsWide))
        {
            var column = new TableColumn(title);
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }

        foreach (var m in mirrors)
        {
            Add(
                Cell(m.Session), Cell(m.To), Cell(m.From.Count == 0 ? "all points" : string.Join(", ", m.From)),
                Cell(m.Filter ?? "every frame"), Cell(StateText(m)), Cell(CanaryText(m.Canary)), Number(m.Offered), Number(m.Sent),
                Number(m.Filtered), Number(m.SampledOut), Number(LedgerTotals.Dropped(m)));
            foreach (var member in m.Members ?? [])
            {
                Add(
                    Cell(""), Cell($"  {member.To}"), Cell(""), Cell("its share"), Cell(member.State), Cell(""), Cell(""),
                    Number(member.Sent), Cell(""), Cell(""), Number(member.Dropped));
            }
        }

        AnsiConsole.Write(table);
        foreach (var m in mirrors)
        {
            if (m.Reason is { } reason)
            {
                Console.WriteLine($"{TerminalText.Printable(m.Session)}: {TerminalText.Printable(reason)}");
            }

            foreach (var sentence in PastText.Of(m))
            {
                Console.WriteLine(TerminalText.Printable(sentence));
            }

            foreach (var client in m.Clients ?? [])
            {
                Console.WriteLine($"{TerminalText.Printable(m.Session)}: {TerminalText.Printable(client.Peer)} reads: "
                    + $"sent {Quantity.Count(client.Sent)}, dropped {Quantity.Count(client.Dropped)}");
            }
        }

        void Add(params Text[] cells) =>
            table.AddRow(cells.Where((_, column) => isWide || !s_columns[column].IsWide));

        static string StateText(EngineSnapshot.Mirror m) => m.Past is { State: not "live" } past
            ? $"{m.State}, {Quantity.Duration(TimeSpan.FromSeconds(past.BehindNs / 1e9))} behind" : m.State;

        static string CanaryText(EngineSnapshot.Canary? canary) => canary switch
        {
            null => "not yet",
            { State: "ok" } => string.Create(CultureInfo.InvariantCulture, $"{canary.DelayNs / 1e6:0.0} ms"),
            _ => $"{canary.State}: {canary.Problem}",
        };

        static Text Cell(string text) => new(TerminalText.Printable(text));
        static Text Number(long count) => new(count.ToString("N0", CultureInfo.InvariantCulture));
    }
}
