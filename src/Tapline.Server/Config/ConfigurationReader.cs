// YAML text → NodeConfiguration, or the list of all its mistakes with their lines. JSON is YAML too: `up` hands the
// resolved configuration to the engine in that form, through this same reader.
using System.Net;
using Tapline.Base;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Server.Commands;
using Tapline.Workers;
using YamlDotNet.RepresentationModel;

namespace Tapline.Server.Config;

/// <summary>Reads configuration files.</summary>
internal static class ConfigurationReader
{
    private const int FileBytesMax = 1024 * 1024;
    private const long RingBudgetBytesMin = 4L << 20;
    private const long RecordBudgetBytesMin = 16L << 20;

    /// <summary>Reads a file; null and the mistakes when there is one.</summary>
    public static NodeConfiguration? ReadFile(string path, out IReadOnlyList<ConfigurationMistake> mistakes)
    {
        string text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > FileBytesMax })
            {
                mistakes = [new(1, 1, "This is larger than any configuration; is it the right file?")];
                return null;
            }

            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistakes = [new(1, 1, $"The file cannot be read: {e.Message}")];
            return null;
        }

        return Read(text, out mistakes);
    }

    public static NodeConfiguration? Read(string text, out IReadOnlyList<ConfigurationMistake> mistakes)
    {
        var found = new List<ConfigurationMistake>();
        mistakes = found;
        var document = YamlText.Parse(text, found);
        if (document is null)
        {
            return found.Count == 0 ? new NodeConfiguration() : null;
        }

        if (document is not YamlMappingNode root)
        {
            found.Add(new ConfigurationMistake(1, 1, "A configuration is one document of `key: value` lines."));
            return null;
        }

        var configuration = ReadRoot(new YamlSection(root, "", found));
        found.Sort((a, b) => (a.Line, a.Column).CompareTo((b.Line, b.Column)));
        return found.Count == 0 ? configuration : null;
    }

    private static NodeConfiguration ReadRoot(YamlSection root)
    {
        var mirrors = new List<MirrorPlan>();
        foreach (var section in root.Sections("mirrors"))
        {
            if (ReadMirror(section, mirrors) is { } mirror)
            {
                mirrors.Add(mirror);
            }
        }

        var configuration = new NodeConfiguration
        {
            Node = root.Text("node"),
            Data = root.Text("data"),
            Points = root.Texts("points"),
            Exclude = root.Texts("exclude"),
            OvsDatabase = root.Text("ovs_database"),
            Inventory = root.Text("inventory") is { } inventory ? Path.GetFullPath(inventory) : null,
            Libvirt = root.Texts("libvirt") switch
            {
                [] => null,
                ["none"] => [],
                var uris => uris,
            },
            OvsMirror = root.Parsed("ovs_mirror", t => t is "true" or "false" ? t : null, "true or false") == "true",
            Workers = (int)(root.Number("workers", 0, Limits.WorkersMax) ?? 0),
            RingBudgetBytes = root.Bytes("ring_budget", RingBudgetBytesMin) ?? Limits.RingBudgetBytesDefault,
            HardwareTimestamps =
                root.Parsed("timestamps", t => t is "kernel" or "hardware" ? t : null, "kernel or hardware") == "hardware",
            FlowCapacity = (int)(root.Number("flow_capacity", 1024, 1 << 28) ?? Limits.LiveFlowsDefault),
            CanarySeconds = root.Parsed<object>("canary", t => CanaryOption.Parse(t), CanaryOption.Form) as int?
                ?? CanaryOption.SecondsDefault,
            Mirrors = mirrors,
            Record = ReadRecord(root.Section("record")),
            Console = ReadConsole(root.Section("console")),
        };
        root.RejectOthers();
        return configuration;
    }

    private static MirrorPlan? ReadMirror(YamlSection section, List<MirrorPlan> before)
    {
        var session = section.Text("session") ?? $"m{before.Count + 1}";
        if (before.Exists(m => m.Session == session))
        {
            section.Mistake("session", $"'{session}' is the name of another session.");
        }

        var targets = section.Texts("to");
        var to = targets.Count == 0 ? null : string.Join(GroupTarget.Separator, targets);
        if (to is null)
        {
            section.Mistake("to", "a mirror needs a target, e.g. nic:eth2.");
        }

        var plan = new MirrorPlan
        {
            Session = session,
            To = to ?? "",
            From = section.Texts("from"),
            Filter = section.Text("filter"),
            Shape = ShapeOf(section),
            Mode = section.Parsed<object>("mode", MirrorModeOf, "auto, kernel or user") as MirrorMode? ?? MirrorMode.Auto,
        };
        section.RejectOthers();
        return to is null ? null : plan;
    }

    // Each of the shape's words is a key of its own; a list is written as one.
    private static string? ShapeOf(YamlSection section)
    {
        var parts = new List<string>();
        foreach (var word in ShapeParser.Words)
        {
            var values = section.Texts(word);
            if (values.Count > 0)
            {
                parts.Add($"{word}={string.Join(',', values)}");
            }
        }

        return parts.Count == 0 ? null : string.Join(';', parts);
    }

    private static object? MirrorModeOf(string text) => text switch
    {
        "auto" => MirrorMode.Auto,
        "kernel" => MirrorMode.Kernel,
        "user" => MirrorMode.User,
        _ => null,
    };

    private static RecordConfiguration? ReadRecord(YamlSection? section)
    {
        if (section is null)
        {
            return null;
        }

        var record = new RecordConfiguration
        {
            Folder = section.Text("folder"),
            BudgetBytes = section.Bytes("budget", RecordBudgetBytesMin) ?? Limits.RecordBudgetBytesDefault,
            KeepNs = section.Parsed<object>("keep", t => RetentionWords.ParseKeep(t), RetentionWords.KeepForm) as long? ?? 0,
            MinFree = section.Parsed<object>("min_free", t => RetentionWords.ParseMinFree(t), RetentionWords.MinFreeForm)
                as FreeDisk? ?? default,
            Evidence = section.Parsed("evidence", RetentionWords.ParseSwitch, RetentionWords.EvidenceForm) is not false,
            Take = ReadTake(section),
            Classes = [.. section.Sections("classes").Select(ReadClass)],
            Triggers = [.. section.Sections("triggers").Select(TriggerWords.Read)],
            TriggerBudgetBytes = section.Bytes("trigger_budget", Limits.TriggerBudgetBytesMin) ?? Limits.TriggerBudgetBytesDefault,
            AtRest = ReadAtRest(section),
            Filter = section.Text("filter"),
        };
        section.RejectOthers();
        return record;
    }

    private static AtRest ReadAtRest(YamlSection section) => new(
        section.Parsed<object>("compress", t => AtRestOptions.ParseCompress(t), AtRestOptions.CompressForm) as SegmentCompression?
            ?? SegmentCompression.None,
        section.Text("encrypt") is { } key ? Path.GetFullPath(key) : null);

    private static RecordClassPlan ReadClass(YamlSection section)
    {
        var plan = new RecordClassPlan
        {
            Name = section.Parsed(
                "name", t => RecordClassPlan.MistakeInName(t) is null ? t : null, "a name: small letters, digits, - and _") ?? "",
            Filter = section.Text("filter") ?? "",
            BudgetBytes = section.Bytes("budget", Limits.RecordBudgetBytesMin) ?? Limits.RecordBudgetBytesDefault,
            KeepNs = section.Parsed<object>("keep", t => RetentionWords.ParseKeep(t), RetentionWords.KeepForm) as long? ?? 0,
            Take = ReadTake(section),
            AtRest = section.Text("compress") is null && section.Text("encrypt") is null ? null : ReadAtRest(section),
        };
        if (plan.Filter.Length == 0)
        {
            section.Mistake("filter", "a class needs an expression that says which frames are its own.");
        }

        section.RejectOthers();
        return plan;
    }

    private static RecordTake ReadTake(YamlSection section)
    {
        var take = section.Parsed<object>("take", t => RetentionWords.ParseTake(t), RetentionWords.TakeForm) as RecordTake? ?? default;
        var isHandshake = section.Parsed<object>("encrypted", t => RetentionWords.ParseEncrypted(t), RetentionWords.EncryptedForm) is true;
        if (isHandshake && take.Kind == RecordTakeKind.None)
        {
            section.Mistake("encrypted", RetentionWords.NothingOfHandshakes);
        }

        return take with { IsHandshakeOfEncrypted = isHandshake };
    }

    private static ConsoleConfiguration ReadConsole(YamlSection? section)
    {
        if (section is null)
        {
            return new ConsoleConfiguration();
        }

        var console = new ConsoleConfiguration
        {
            Listen = section.Parsed("listen",
                t => t.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(t, out var e) ? e : null,
                "ADDR:PORT such as 127.0.0.1:7777"),
            RetentionDays = (int)(section.Number("retention_days", 0, 36_500) ?? 30),
        };
        section.RejectOthers();
        return console;
    }
}
