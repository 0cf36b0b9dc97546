// `tapline record`: packets to disk without a console or flow accounting. The data plane is the engine's; here are the
// options, the progress line and how the account is printed at the end.
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Tapline.Base;
using Tapline.Server.Config;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The verb `record`.</summary>
internal static class RecordVerb
{
    public static Command Build()
    {
        var from = new Option<string[]>("--from")
        {
            Description = "Points to record, separated by commas: interfaces, globs, bridge:NAME, vm:NAME, tag:NAME.",
            Required = true,
            AllowMultipleArgumentsPerToken = false,
        };
        var data = new Option<string>("--data")
        {
            Description = "The data folder; segments go into its folder `recording`.",
            Required = true,
        };
        var budget = new Option<string?>("--budget")
        {
            Description = "Disk space for all segments, e.g. 500M or 20G; the oldest go first. 10G when not given.",
        };
        var keep = RetentionWords.KeepOption();
        var minFree = RetentionWords.MinFreeOption();
        var evidence = RetentionWords.EvidenceOption();
        var take = RetentionWords.TakeOption();
        var encrypted = RetentionWords.EncryptedOption();
        var classes = new Option<string[]>("--class")
        {
            Description = "Records some frames apart: NAME;filter=EXPR[;keep=TIME][;budget=SIZE][;take=whole|headers|none|frame N|flow N]"
                + "[;encrypted=handshake]. Repeatable; the first that wants a frame has it.",
            HelpName = "SPEC",
        };
        classes.Validators.Add(result =>
        {
            foreach (var text in result.GetValueOrDefault<string[]>() ?? [])
            {
                if (RetentionWords.ParseClass(text, out var mistake) is null)
                {
                    result.AddError(mistake!);
                }
            }
        });
        var triggers = TriggerWords.TriggerOption();
        var triggerBudget = TriggerWords.BudgetOption();
        var filter = new Option<string?>("--filter") { Description = "Records only what this pcap-filter expression selects." };
        var seconds = new Option<double?>("--seconds") { Description = "Ends by itself after so many seconds." };
        var workers = new Option<int>("--workers") { Description = "Worker threads; as many as processors when not given." };
        var json = new Option<bool>("--json") { Description = "Prints the account as one JSON object." };
        budget.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text
                && (!Quantity.TryParseBytes(text, out var bytes) || bytes < Limits.RecordBudgetBytesMin))
            {
                result.AddError($"--budget wants a size of at least {Limits.RecordBudgetBytesMin >> 20}M, e.g. 500M or 20G.");
            }
        });
        take.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is "none" && result.GetValue(encrypted) is "handshake")
            {
                result.AddError($"--take none: {RetentionWords.NothingOfHandshakes}");
            }
        });
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is <= 0)
            {
                result.AddError("--seconds wants a number above 0.");
            }
        });
        var command = new Command("record", "Records packets into rolling pcapng files that any tool opens.")
        {
            from, data, budget, keep, minFree, take, encrypted, classes, triggers, triggerBudget, evidence, AtRestOptions.Compress,
            AtRestOptions.Encrypt, filter, seconds, workers, json, OvsOptions.Database, OvsOptions.Mirror, IdentityOptions.Inventory,
            IdentityOptions.Libvirt,
        };
        command.Examples(
            ("tapline record --from bridge:br0 --data rec --budget 100G",
                "Every frame that enters the switch br0; the newest 100 GB are kept."),
            ("tapline record --from bridge:br0 --data rec --budget 2T --keep 7d --min-free 10%",
                "No more than 2 TB, nothing older than a week, and a tenth of the disk stays free."),
            ("tapline record --from all --data rec --class 'db;filter=port 5432;keep=30d' --class 'backup;filter=port 873;take=headers'",
                "Database traffic is kept longer, in rec/recording/db; of backups only headers."),
            ("tapline record --from bridge:br0 --data rec --encrypted handshake",
                "Of TLS, SSH and QUIC the handshakes and headers, of all else everything: the disk lasts many times longer."),
            ("tapline record --from all --data rec --trigger 'resets;when=tcp port 5432 and tcp[tcpflags] & tcp-rst != 0;scope=flow'",
                "What the database resets stays, and rec/triggers has each such connection as a file."),
            ("tapline record --from bridge:br0 --data rec --compress lz4 --encrypt /etc/tapline/recording.key",
                "Compressed, and unreadable without the key that `tapline key new` made."),
            ("tapline record --from vnet3,vnet4 --data rec --filter 'tcp port 5432' --seconds 60 --json",
                "One minute of two ports' PostgreSQL traffic, then the account as JSON."));
        command.SetAction(parsed => Run(
            IdentityOptions.Apply(OvsOptions.Apply(new EngineOptions
            {
                Points = Split(parsed.GetValue(from)),
                Record = RetentionWords.Apply(new RecordPlan
                {
                    Folder = new DataFolder(Path.GetFullPath(parsed.GetValue(data)!)).Recording,
                    BudgetBytes = Quantity.TryParseBytes(parsed.GetValue(budget) ?? "", out var bytes)
                        ? bytes : Limits.RecordBudgetBytesDefault,
                    Filter = parsed.GetValue(filter),
                    Evidence = RetentionWords.ParseSwitch(parsed.GetValue(evidence) ?? "on") is true,
                    KeyFile = new DataFolder(Path.GetFullPath(parsed.GetValue(data)!)).SigningKey,
                    Take = TakeOf(parsed.GetValue(take), parsed.GetValue(encrypted)),
                    Classes = [.. (parsed.GetValue(classes) ?? []).Select(c => RetentionWords.ParseClass(c, out _)!)],
                    Triggers = [.. (parsed.GetValue(triggers) ?? []).Select(t => TriggerWords.Parse(t, out _)!)],
                    TriggerBudgetBytes = Quantity.TryParseBytes(parsed.GetValue(triggerBudget) ?? "", out var files)
                        ? files : Limits.TriggerBudgetBytesDefault,
                    AtRest = AtRestOptions.Read(parsed),
                }, parsed.GetValue(keep), parsed.GetValue(minFree)),
                Workers = parsed.GetValue(workers),
                Seconds = parsed.GetValue(seconds),
            }, parsed), parsed),
            parsed.GetValue(json)));
        return command;
    }

    private static RecordTake TakeOf(string? take, string? encrypted) => (RetentionWords.ParseTake(take ?? "whole") ?? default) with
    {
        IsHandshakeOfEncrypted = encrypted is not null && RetentionWords.ParseEncrypted(encrypted) == true,
    };

    private static string[] Split(string[]? words) =>
        [.. (words ?? []).SelectMany(w => w.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static int Run(EngineOptions orders, bool json)
    {
        if (IdentityOptions.Load(orders) is not { } options)
        {
            return ExitCodes.Usage;
        }

        options = options with { TriggerExtract = TriggerExtract.For(options.Record!.Folder) };
        using var signals = new StopSignals();
        EngineReport report;
        FileWatch? inventory = null;
        using (var progress = new ProgressLine())
        {
            report = EngineRun.Run(
                options,
                signals.Token,
                engine =>
                {
                    inventory = InventoryWatch.Start(options, engine);
                    Console.Error.WriteLine(
                        $"Recording {string.Join(", ", options.Points)} into {options.Record!.Folder}; "
                        + (options.Seconds is null ? "Ctrl-C ends." : $"ends after {options.Seconds} s."));
                },
                now => progress.Show(now.Recorded, now.WrittenBytes, 0),
                () => inventory?.Dispose());
        }

        var fault = report.Fault ?? report.Recorder?.StallReason;
        if (fault is not null)
        {
            Console.Error.WriteLine($"tapline: {fault}");
        }

        if (report.Recorder is not null)
        {
            Console.WriteLine(json ? ToJson(report, report.Recorder) : ToText(report, report.Recorder));
        }

        return report.Fault is null && fault is not null ? ExitCodes.Failed : report.ExitCode;
    }

    private static string ToText(EngineReport report, RecorderReport recorder)
    {
        var text = new StringBuilder();
        text.AppendLine(
            $"{"point",-16} {"arrived",14} {"dropped in ring",16} {"recorded",14} {"filtered",14} {"dropped",10}");
        foreach (var point in report.Points)
        {
            text.AppendLine(
                $"{point.Point,-16} {Quantity.Count(point.Arrived),14} {Quantity.Count(point.DroppedRing),16} "
                + $"{Quantity.Count(point.Counts.Recorded),14} {Quantity.Count(Filtered(point)),14} "
                + $"{Quantity.Count(point.Counts.DroppedRecorder),10}");
        }

        text.AppendLine();
        text.AppendLine(
            $"{Quantity.Count(recorder.Recorded)} frames recorded, {Quantity.Bytes(recorder.WrittenBytes)} written; "
            + $"{Quantity.Count(recorder.Segments)} segments with {Quantity.Bytes(recorder.UsedBytes)} of "
            + $"{Quantity.Bytes(recorder.BudgetBytes)} in {recorder.Folder}.");
        if (recorder.Sliced > 0)
        {
            text.AppendLine($"{Quantity.Count(recorder.Sliced)} of the frames were cut on purpose, by what is kept of them.");
        }

        foreach (var item in recorder.Classes)
        {
            text.AppendLine(
                $"  {item.Name,-14} {Quantity.Count(item.Recorded),14} recorded {Quantity.Count(item.Dropped),10} dropped; "
                + $"{Quantity.Count(item.Segments)} segments with {Quantity.Bytes(item.UsedBytes)} of {Quantity.Bytes(item.BudgetBytes)}.");
        }

        if (recorder.Removed > 0)
        {
            text.AppendLine($"{Quantity.Count(recorder.Removed)} oldest segments were removed (budget, age, free disk).");
        }

        if (recorder.Holds > 0)
        {
            text.AppendLine($"Holds ({recorder.Holds}) keep {Quantity.Bytes(recorder.HeldBytes)}.");
        }

        foreach (var item in recorder.Triggers)
        {
            text.AppendLine($"Trigger {item.Plan.Name}: {item.Fired} times, {item.Files} files, {item.Refused} refused, "
                + $"{item.Suppressed} suppressed.");
        }

        if (recorder.Notice is { } notice)
        {
            text.AppendLine(notice);
        }

        if (recorder.Recovered > 0)
        {
            text.AppendLine($"{recorder.Recovered} segments of a crashed run were repaired at the start.");
        }

        if (recorder.WithoutSeal > 0)
        {
            text.AppendLine($"{recorder.WithoutSeal} segments could not be sealed: `tapline verify` will name them.");
        }

        if (recorder.SealsWaiting > 0)
        {
            text.AppendLine($"{recorder.SealsWaiting} segments are not sealed yet: the next start does it.");
        }

        if (!recorder.IsDirect)
        {
            text.AppendLine("This file system takes no direct writes; the page cache was used, which is slower.");
        }

        return text.ToString().TrimEnd();
    }

    private static long Filtered(PointReport point) =>
        point.Counts.Captured - point.Counts.Recorded - point.Counts.DroppedRecorder;

    private static string ToJson(EngineReport report, RecorderReport recorder)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("duration_ns", report.DurationNs);
            json.WriteStartArray("points");
            foreach (var point in report.Points)
            {
                json.WriteStartObject();
                json.WriteString("point", point.Point);
                json.WriteNumber("arrived", point.Arrived);
                json.WriteNumber("dropped_ring", point.DroppedRing);
                json.WriteNumber("captured", point.Counts.Captured);
                json.WriteNumber("recorded", point.Counts.Recorded);
                json.WriteNumber("filtered_recorder", Filtered(point));
                json.WriteNumber("dropped_recorder", point.Counts.DroppedRecorder);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("recorder");
            json.WriteString("folder", recorder.Folder);
            json.WriteNumber("recorded", recorder.Recorded);
            json.WriteNumber("dropped", recorder.Dropped);
            json.WriteNumber("sliced", recorder.Sliced);
            json.WriteNumber("written_bytes", recorder.WrittenBytes);
            json.WriteNumber("segments", recorder.Segments);
            json.WriteNumber("bytes", recorder.UsedBytes);
            json.WriteNumber("budget_bytes", recorder.BudgetBytes);
            json.WriteNumber("removed_segments", recorder.Removed);
            json.WriteNumber("recovered_segments", recorder.Recovered);
            json.WriteNumber("segments_without_index", recorder.WithoutIndex);
            json.WriteNumber("segments_without_seal", recorder.WithoutSeal);
            json.WriteNumber("segments_not_sealed_yet", recorder.SealsWaiting);
            json.WriteNumber("holds", recorder.Holds);
            json.WriteNumber("held_bytes", recorder.HeldBytes);
            json.WriteBoolean("direct", recorder.IsDirect);
            json.WriteStartArray("classes");
            foreach (var item in recorder.Classes)
            {
                json.WriteStartObject();
                json.WriteString("class", item.Name);
                json.WriteNumber("recorded", item.Recorded);
                json.WriteNumber("dropped", item.Dropped);
                json.WriteNumber("sliced", item.Sliced);
                json.WriteNumber("segments", item.Segments);
                json.WriteNumber("bytes", item.UsedBytes);
                json.WriteNumber("budget_bytes", item.BudgetBytes);
                json.WriteNumber("removed_segments", item.Removed);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("triggers");
            foreach (var item in recorder.Triggers)
            {
                item.Write(json);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
