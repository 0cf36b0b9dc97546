// `tapline hold`: windows of a recording that retention must leave alone, with who wants it and why. Works on the recording's folder,
// whether an engine runs or not; a running one follows within a second.
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Holds;
using Tapline.Server.Config;

namespace Tapline.Server.Commands;

/// <summary>The verb `hold`.</summary>
internal static class HoldVerb
{
    private static readonly Option<string> s_data = new("--data")
    {
        Description = "The data folder whose recording is meant.", HelpName = "DIR", DefaultValueFactory = _ => DataFolder.Default,
    };

    private static readonly Option<bool> s_json = new("--json") { Description = "Prints one JSON object a line." };

    public static Command Build()
    {
        var command = new Command("hold", "Keeps a window of a recording from being removed, and says who wants it and why.")
        {
            BuildAdd(), BuildList(), BuildRemove(),
        };
        command.Examples(
            ("tapline hold add --data rec --since '2026-01-02 14:00' --until '2026-01-02 15:30' --by 'A. Auditor' --why 'case 4711'",
                "What was recorded in these ninety minutes stays until the hold is removed."),
            ("tapline hold list --data rec", "The holds, with who and why."));
        return command;
    }

    private static Command BuildAdd()
    {
        var since = new Option<string>("--since")
        {
            Description = "First moment: 2026-01-02T03:04:05Z, '2026-01-02 03:04' (UTC), 90m (ago).", Required = true, HelpName = "TIME",
        };
        var until = new Option<string>("--until")
        {
            Description = "Last moment; may lie ahead.", DefaultValueFactory = _ => "now", HelpName = "TIME",
        };
        var by = new Option<string>("--by") { Description = "Who wants it.", Required = true, HelpName = "WHO" };
        var why = new Option<string>("--why") { Description = "What for.", Required = true, HelpName = "TEXT" };
        var expires = new Option<string?>("--for")
        {
            Description = "How long it holds, e.g. 30d; until it is removed when not given.", HelpName = "TIME",
        };
        expires.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && RetentionWords.ParseKeep(text) is null)
            {
                result.AddError($"--for \"{text}\" is not {RetentionWords.KeepForm}.");
            }
        });
        var add = new Command("add", "Adds a hold and prints its number.") { since, until, by, why, expires, s_data, s_json };
        add.SetAction(parsed =>
        {
            var now = Clock.NowNs();
            if (!Moment.TryParse(parsed.GetValue(since)!, now, out var sinceNs))
            {
                return RefuseTime("--since", parsed.GetValue(since));
            }

            if (!Moment.TryParse(parsed.GetValue(until)!, now, out var untilNs))
            {
                return RefuseTime("--until", parsed.GetValue(until));
            }

            var wanted = new Hold
            {
                Id = 0, SinceNs = sinceNs, UntilNs = untilNs, By = parsed.GetValue(by)!, Why = parsed.GetValue(why)!, AddedNs = now,
                ExpiresNs = parsed.GetValue(expires) is { } age ? now + RetentionWords.ParseKeep(age)!.Value : 0,
            };
            if (HoldFile.TryAdd(Recording(parsed), wanted, out var error) is not { } added)
            {
                return Refuse(error!, ExitCodes.Failed);
            }

            Console.WriteLine(parsed.GetValue(s_json) ? ToJson(added) : $"Hold {added.Id} keeps {Window(added)}.");
            return ExitCodes.Ok;
        });
        return add;
    }

    private static Command BuildList()
    {
        var list = new Command("list", "Prints the holds.") { s_data, s_json };
        list.SetAction(parsed =>
        {
            var folder = Recording(parsed);
            var error = HoldFile.FindProblem(folder);
            if (error is not null || HoldFile.TryRead(folder, out error)?.At(Clock.NowNs()) is not { } holds)
            {
                return Refuse(error!, ExitCodes.Failed);
            }

            if (holds.Holds.Count == 0 && !parsed.GetValue(s_json))
            {
                Console.WriteLine("There are no holds.");
            }

            foreach (var hold in holds.Holds)
            {
                Console.WriteLine(parsed.GetValue(s_json)
                    ? ToJson(hold)
                    : $"{hold.Id,4}  {Window(hold)}  by {TerminalText.Printable(hold.By)}: {TerminalText.Printable(hold.Why)}"
                        + (hold.ExpiresNs == 0 ? "" : $" (expires {HoldText.Time(hold.ExpiresNs)})"));
            }

            return ExitCodes.Ok;
        });
        return list;
    }

    private static Command BuildRemove()
    {
        var id = new Argument<long>("ID") { Description = "The hold's number." };
        var remove = new Command("remove", "Removes a hold: retention may take its window from now on.") { id, s_data };
        remove.SetAction(parsed => HoldFile.TryRemove(Recording(parsed), parsed.GetValue(id)) is { } mistake
            ? Refuse(mistake, ExitCodes.Failed) : ExitCodes.Ok);
        return remove;
    }

    private static string Recording(ParseResult parsed) => new DataFolder(Path.GetFullPath(parsed.GetValue(s_data)!)).RecordingThere;

    private static string Window(Hold hold) => $"{HoldText.Time(hold.SinceNs)} to {HoldText.Time(hold.UntilNs)}";

    private static string ToJson(Hold hold)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            HoldText.Write(json, hold);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static int RefuseTime(string option, string? text) =>
        Refuse($"{option} \"{text}\" is not a time: {Moment.Mend}", ExitCodes.Usage);

    private static int Refuse(string sentence, int code)
    {
        Console.Error.WriteLine($"tapline: {TerminalText.Printable(sentence)}");
        return code;
    }
}
