// `tapline engine`: the data plane alone, ordered by options or by a configuration file (`up` passes the resolved one). It
// says `ready` on standard error when frames are being seen, and prints its ledger when it ends, to the frame: nothing
// else is on standard output.
using System.CommandLine;
using Tapline.Base.Native;
using Tapline.Mirror.Targets;
using Tapline.Server.Config;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The verb of a node's privileged half.</summary>
internal static class EngineVerb
{
    private static readonly Option<FileInfo?> s_config = new("--config")
    {
        Description = "Configuration file (YAML) instead of the options below.", HelpName = "F",
    };

    private static readonly Option<string[]> s_points = new("--point")
    {
        Description = "What to observe: interface, glob, bridge:NAME, ovs:NAME, host:BRIDGE, vm:NAME, tag:NAME, uplink, all, "
            + "vxlan://… Repeatable.",
        HelpName = "P",
    };

    private static readonly Option<string[]> s_exclude = new("--exclude")
    {
        Description = "Interface never to observe. Repeatable.", HelpName = "IF",
    };

    private static readonly Option<string[]> s_mirrors = new("--mirror")
    {
        Description = "Copy frames: TARGET[;from=P,P][;filter=EXPR][;slice=N …][;mode=auto|kernel|user]. Repeatable.", HelpName = "SPEC",
    };

    private static readonly Option<string?> s_record = new("--record")
    {
        Description = "Record: DIR[;budget=SIZE][;keep=TIME][;min_free=SIZE][;compress=lz4][;encrypt=KEYFILE][;filter=EXPR].",
        HelpName = "SPEC",
    };

    private static readonly Option<string?> s_data = new("--data")
    {
        Description = "Data folder: records and the control socket.", HelpName = "DIR",
    };

    private static readonly Option<int?> s_workers = new("--workers")
    {
        Description = "Worker threads (default: one for each processor).", HelpName = "N",
    };

    private static readonly Option<string> s_ring = new("--ring")
    {
        Description = "Ring memory for all points together.", HelpName = "SIZE", DefaultValueFactory = _ => "1G",
    };

    private static readonly Option<string> s_timestamps = new("--timestamps")
    {
        Description = "Whose time frames carry: the kernel's, or the NIC's where it stamps frames.", HelpName = "WHOSE",
        DefaultValueFactory = _ => "kernel",
    };

    private static readonly Option<double?> s_seconds = new("--seconds")
    {
        Description = "End after this time.", HelpName = "N",
    };

    private static readonly Option<string?> s_node = new("--node")
    {
        Description = "This node's name in records.", HelpName = "NAME",
    };

    private static readonly Option<bool> s_explain = new("--explain")
    {
        Description = "Say which path each mirror session would take and why, and end.",
    };

    private static readonly Option<string?> s_canary = CanaryOption.Make();

    private static readonly Option<bool> s_json = new("--json") { Description = "Print the ledger as one JSON object." };

    public static Command Build()
    {
        s_timestamps.AcceptOnlyFromAmong("kernel", "hardware");
        var verb = new Command("engine", "The data plane alone: capture, analyse, mirror, record.")
        {
            s_config, s_points, s_exclude, s_mirrors, s_record, s_data, s_workers, s_ring, s_timestamps, s_seconds, s_node,
            s_canary, s_explain, s_json, OvsOptions.Database, OvsOptions.Mirror, IdentityOptions.Inventory,
            IdentityOptions.Libvirt,
        };
        verb.Examples(
            ("tapline engine --point vnet0 --seconds 10 --json", "observe one port for ten seconds and print what became of its frames"),
            ("tapline engine --point bridge:br0 --mirror 'nic:eth2;filter=tcp port 80' --data /var/lib/tapline",
                "the privileged half of a node, as a service manager runs it"));
        verb.SetAction(parsed =>
        {
            using var watch = parsed.GetValue(s_config) is { } file ? new FileWatch(file.FullName) : null;
            return Orders(parsed, out var mistakes) is { } options
                ? RunOrExplain(options, parsed.GetValue(s_json), parsed.GetValue(s_explain), watch)
                : Refuse(mistakes);
        });
        return verb;
    }

    /// <summary>Runs an engine, or only says which paths its mirror sessions would take.</summary>
    public static int RunOrExplain(EngineOptions options, bool isJson, bool isExplain, FileWatch? configuration = null)
    {
        if (Environment.GetEnvironmentVariable("TAPLINE_KERNEL_HOOK") is "clsact")
        {
            options = options with { KernelHook = KernelHookKind.Clsact };
        }

        if (!isExplain)
        {
            return IdentityOptions.Load(options) is { } loaded ? Run(loaded, isJson, configuration) : ExitCodes.Usage;
        }

        var paths = KernelPlanning.Decide(options, out var refusal);
        foreach (var path in paths ?? [])
        {
            Console.WriteLine($"{path.Session}: {path.Why}");
        }

        return paths is null ? Refuse([refusal!]) : 0;
    }

    /// <summary>Runs an engine until a signal, and prints its ledger.</summary>
    /// <param name="options">The orders.</param>
    /// <param name="isJson">Prints the ledger as JSON.</param>
    /// <param name="configuration">The file that the orders came from: its mirror sessions are followed while the engine runs.</param>
    public static int Run(EngineOptions options, bool isJson, FileWatch? configuration = null)
    {
        options = options with { TriggerExtract = TriggerExtract.For(options.Record?.Folder) };
        using var signals = new StopSignals();
        FileWatch? inventory = null;
        var report = EngineRun.Run(options, signals.Token, engine =>
        {
            Console.Error.WriteLine("ready");
            configuration?.Start(() => Reload(engine, configuration.Path, options));
            inventory = InventoryWatch.Start(options, engine);
        }, ending: () =>
        {
            configuration?.Dispose();
            inventory?.Dispose();
        });
        if (report.Fault is not null)
        {
            Console.Error.WriteLine($"tapline: {report.Fault}");
        }

        if (report.HasRun)
        {
            using var output = WritesFrames(options) ? new AnswerOutput(Console.OpenStandardError()) : new AnswerOutput();
            Print(output, report, isJson);
        }

        return report.ExitCode;
    }

    /// <summary>The file has changed: its sessions are put into force, or its mistakes told and nothing changed.</summary>
    private static void Reload(Engine engine, string file, EngineOptions before)
    {
        if (FromFile(new FileInfo(file), out var mistakes) is not { } options)
        {
            Refuse([.. mistakes, $"{file} has changed and is wrong; the engine goes on with what it had."]);
            return;
        }

        var mistake = engine.ApplyMirrors(options.Mirrors);
        Console.Error.WriteLine(mistake is null
            ? $"tapline: {file} has changed; its {options.Mirrors.Count} mirror session(s) are in force."
            : $"tapline: {file} has changed and cannot be followed: {mistake} The engine goes on with what it had.");
        if (!options.Points.SequenceEqual(before.Points) || options.Record != before.Record || options.Workers != before.Workers
            || options.InventoryFile != before.InventoryFile)
        {
            Console.Error.WriteLine("tapline: points, recording, workers and the inventory's place change with the engine's next start.");
        }
    }

    /// <summary>Standard output carries frames, and everything for people goes to standard error.</summary>
    private static bool WritesFrames(EngineOptions options) =>
        options.Mirrors.Any(m => TargetParser.Parse(m.To, out _) is StdoutTarget);

    private static void Print(AnswerOutput output, EngineReport report, bool isJson)
    {
        if (isJson)
        {
            EngineReportJson.Write(output.BeginJsonLine(), report);
            output.EndJsonLine();
        }
        else
        {
            EngineReportText.Write(output, report);
        }

        output.Flush();
    }

    private static EngineOptions? Orders(ParseResult parsed, out IReadOnlyList<string> mistakes)
    {
        var options = parsed.GetValue(s_config) is { } file
            ? FromFile(file, out mistakes)
            : FromOptions(parsed, out mistakes);
        return options is null ? null : IdentityOptions.Apply(options, parsed) with
        {
            Workers = parsed.GetValue(s_workers) ?? options.Workers,
            Seconds = parsed.GetValue(s_seconds) ?? options.Seconds,
            Node = parsed.GetValue(s_node) ?? options.Node,
            DataFolder = parsed.GetValue(s_data) ?? options.DataFolder,
            CanarySeconds = parsed.GetValue(s_canary) is { } canary ? CanaryOption.Parse(canary)!.Value : options.CanarySeconds,
            HardwareTimestamps = parsed.GetValue(s_timestamps) == "hardware" || options.HardwareTimestamps,
        };
    }

    private static EngineOptions? FromFile(FileInfo file, out IReadOnlyList<string> mistakes)
    {
        var configuration = ConfigurationReader.ReadFile(file.FullName, out var found);
        mistakes = [.. found.Select(m => $"{file}: {m}")];
        return configuration is null || mistakes.Count > 0
            ? null
            : configuration.ToEngineOptions(new DataFolder(Path.GetFullPath(configuration.Data ?? DataFolder.Default)));
    }

    private static EngineOptions? FromOptions(ParseResult parsed, out IReadOnlyList<string> mistakes)
    {
        var options = EngineOrders.Read(
            parsed.GetValue(s_points), parsed.GetValue(s_exclude), parsed.GetValue(s_mirrors), parsed.GetValue(s_record),
            parsed.GetValue(s_ring)!, out var mistake);
        mistakes = mistake is null ? [] : [mistake];
        return options is null ? null : OvsOptions.Apply(options, parsed);
    }

    private static int Refuse(IReadOnlyList<string> mistakes)
    {
        foreach (var mistake in mistakes)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
        }

        return ExitCodes.Usage;
    }
}
