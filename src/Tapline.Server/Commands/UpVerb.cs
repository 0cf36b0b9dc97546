// `tapline up`: engine and console on this host, from a configuration file, from options, or both (options win). The two
// halves are processes of their own; what they need to know stands resolved in DATA/node.json.
using System.CommandLine;
using System.Globalization;
using System.Net;
using Tapline.Server.Commands.Supervision;
using Tapline.Server.Config;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The verb that starts a whole node.</summary>
internal static class UpVerb
{
    private static readonly Option<FileInfo?> s_config = new("--config")
    {
        Description = "Configuration file (YAML); options given here win over it.", HelpName = "F",
    };

    private static readonly Option<string?> s_data = new("--data")
    {
        Description = "Data folder (default: the configuration's, else " + DataFolder.Default + ").", HelpName = "DIR",
    };

    private static readonly Option<IPEndPoint?> s_listen = ConsoleVerb.ListenOption();

    private static readonly Option<string[]> s_points = new("--point", "--from")
    {
        Description = "What to observe: interface, glob, bridge:NAME, host:NAME, vm:NAME, tag:NAME. Repeat or separate by commas.",
        HelpName = "P", AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string?> s_to = new("--mirror-to", "--to")
    {
        Description = "Mirror a copy to this target, e.g. nic:eth2.", HelpName = "TARGET",
    };

    private static readonly Option<string?> s_filter = new("--mirror-filter", "--filter")
    {
        Description = "Mirror only what matches (pcap-filter).", HelpName = "EXPR",
    };

    private static readonly Option<bool> s_record = new("--record")
    {
        Description = "Record all points to DATA/recording.",
    };

    private static readonly Option<string?> s_budget = new("--record-budget", "--budget")
    {
        Description = "Disk space of the recording, the oldest goes first; implies --record.", HelpName = "SIZE",
    };

    private static readonly Option<int?> s_workers = new("--workers")
    {
        Description = "Worker threads (default: one for each processor).", HelpName = "N",
    };

    private static readonly Option<double?> s_seconds = new("--seconds")
    {
        Description = "End by itself after this time.", HelpName = "N",
    };

    private static readonly Option<bool> s_json = new("--json")
    {
        Description = "At the end, print the engine's ledger as one JSON object; everything else goes to standard error.",
    };

    public static Command Build()
    {
        var verb = new Command("up", "Engine and console on this host.")
        {
            s_config, s_data, s_listen, s_points, s_to, s_filter, s_record, s_budget, s_workers, s_seconds, s_json,
            OvsOptions.Database, OvsOptions.Mirror, IdentityOptions.Inventory, IdentityOptions.Libvirt,
        };
        verb.Examples(
            ("tapline up --point bridge:br0", "observe every port of br0; pages at http://127.0.0.1:7777"),
            ("tapline up --point 'vnet*' --mirror-to nic:eth2 --mirror-filter 'tcp port 80'", "and copy web traffic to a tool"),
            ("tapline up --config /etc/tapline/node.yaml", "from a file; all its mistakes are listed with their lines"));
        verb.SetAction((parsed, _) => RunAsync(parsed));
        return verb;
    }

    private static async Task<int> RunAsync(ParseResult parsed)
    {
        using var signals = new StopSignals();
        using var watch = parsed.GetValue(s_config) is { } file ? new FileWatch(file.FullName) : null;
        if (Resolve(parsed) is not { } configuration)
        {
            return ExitCodes.Usage;
        }

        var data = new DataFolder(Path.GetFullPath(configuration.Data ?? DataFolder.Default));
        try
        {
            data.Make();
            ConfigurationWriter.WriteFile(configuration with { Data = data.Root }, data.ResolvedConfiguration);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(
                $"tapline: the data folder cannot be used: {e.Message} Name another with --data.");
            return ExitCodes.Failed;
        }

        watch?.Start(() => Reload(parsed, data));
        var json = parsed.GetValue(s_json);
        return await NodeSupervisor.RunAsync(
            EngineArguments(data, parsed.GetValue(s_seconds), json), ConsoleArguments(configuration, data), json,
            Console.Error, signals.Token);
    }

    /// <summary>The file has changed: what it says now is resolved for the engine, which follows it; mistakes change nothing.</summary>
    private static void Reload(ParseResult parsed, DataFolder data)
    {
        if (Resolve(parsed) is not { } configuration)
        {
            Console.Error.WriteLine("tapline: the configuration has changed and is wrong; the node goes on with what it had.");
            return;
        }

        try
        {
            ConfigurationWriter.WriteFile(configuration with { Data = data.Root }, data.ResolvedConfiguration);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"tapline: the changed configuration cannot be handed to the engine: {e.Message}");
        }
    }

    /// <summary>File and options as one configuration; null after the mistakes were printed.</summary>
    private static NodeConfiguration? Resolve(ParseResult parsed)
    {
        var mistakes = new List<string>();
        var configuration = new NodeConfiguration();
        if (parsed.GetValue(s_config) is { } file)
        {
            configuration = ConfigurationReader.ReadFile(file.FullName, out var found) ?? configuration;
            mistakes.AddRange(found.Select(m => $"{file}: {m}"));
        }

        configuration = Override(configuration, parsed, mistakes);
        if (mistakes.Count == 0 && configuration.Points.Count == 0)
        {
            mistakes.Add("No observation point: name one with --point, or `points:` in the configuration."
                + " `tapline points` lists them.");
        }

        if (configuration.Inventory is { } inventory)
        {
            InventoryFile.Read(inventory, out var wrong);
            mistakes.AddRange(wrong);
        }

        foreach (var mistake in mistakes)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
        }

        return mistakes.Count == 0 ? configuration : null;
    }

    private static NodeConfiguration Override(NodeConfiguration c, ParseResult parsed, List<string> mistakes)
    {
        var points = (parsed.GetValue(s_points) ?? [])
            .SelectMany(p => p.Split(',', StringSplitOptions.RemoveEmptyEntries)).ToList();
        c = c with
        {
            Data = parsed.GetValue(s_data) ?? c.Data,
            Points = points.Count > 0 ? points : c.Points,
            Workers = parsed.GetValue(s_workers) ?? c.Workers,
            OvsDatabase = parsed.GetValue(OvsOptions.Database) ?? c.OvsDatabase,
            OvsMirror = parsed.GetValue(OvsOptions.Mirror) || c.OvsMirror,
            Inventory = parsed.GetValue(IdentityOptions.Inventory)?.FullName ?? c.Inventory,
            Libvirt = IdentityOptions.Daemons(parsed) ?? c.Libvirt,
            Console = parsed.GetValue(s_listen) is { } listen ? c.Console with { Listen = listen } : c.Console,
        };
        var filter = parsed.GetValue(s_filter);
        if (parsed.GetValue(s_to) is { } to)
        {
            c = c with { Mirrors = [new MirrorPlan { Session = "m1", To = to, Filter = filter }] };
        }
        else if (filter is not null)
        {
            mistakes.Add("--mirror-filter says what to mirror, and nothing says where to: add --mirror-to.");
        }

        if (parsed.GetValue(s_budget) is { } budget)
        {
            if (Quantity.TryParseBytes(budget, out var bytes) && bytes > 0)
            {
                c = c with { Record = (c.Record ?? new RecordConfiguration()) with { BudgetBytes = bytes } };
            }
            else
            {
                mistakes.Add($"--record-budget: '{budget}' is not a size such as 500MB or 50GiB.");
            }
        }
        else if (parsed.GetValue(s_record))
        {
            c = c with { Record = c.Record ?? new RecordConfiguration() };
        }

        return c;
    }

    private static List<string> EngineArguments(DataFolder data, double? seconds, bool json)
    {
        List<string> arguments = ["engine", "--config", data.ResolvedConfiguration];
        if (seconds is { } time)
        {
            arguments.AddRange(["--seconds", time.ToString(CultureInfo.InvariantCulture)]);
        }

        if (json)
        {
            arguments.Add("--json");
        }

        return arguments;
    }

    private static List<string> ConsoleArguments(NodeConfiguration configuration, DataFolder data)
    {
        List<string> arguments =
        [
            "console", "--data", data.Root,
            "--retention-days", configuration.Console.RetentionDays.ToString(CultureInfo.InvariantCulture),
        ];
        if (configuration.Console.Listen is { } listen)
        {
            arguments.AddRange(["--listen", listen.ToString()]);
        }

        return arguments;
    }
}
