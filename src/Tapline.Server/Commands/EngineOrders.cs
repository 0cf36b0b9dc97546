// The engine's options as typed on a command line: `;` separates the parts of a mirror or record specification, because
// filter expressions use every other character.
using System.Globalization;
using Tapline.Base;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Shape;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>Turns words into <see cref="EngineOptions"/>; the first mistake as a sentence.</summary>
internal static class EngineOrders
{
    public static EngineOptions? Read(
        string[]? points, string[]? exclude, string[]? mirrors, string? record, string ring, out string? mistake)
    {
        mistake = null;
        if (points is null || points.Length == 0)
        {
            mistake = "No observation point was named; give at least one with --point, e.g. --point bridge:br0 (see `tapline points`).";
            return null;
        }

        if (!Quantity.TryParseBytes(ring, out var ringBytes) || ringBytes <= 0)
        {
            mistake = $"--ring takes a size such as 512M or 2G, not \"{ring}\".";
            return null;
        }

        var plans = new List<MirrorPlan>();
        foreach (var text in mirrors ?? [])
        {
            if (Mirror(text, plans.Count + 1, out mistake) is not { } plan)
            {
                return null;
            }

            plans.Add(plan);
        }

        RecordPlan? recordPlan = null;
        if (record is not null && (recordPlan = Record(record, out mistake)) is null)
        {
            return null;
        }

        return new EngineOptions
        {
            Points = [.. points.SelectMany(p => p.Split(',', StringSplitOptions.RemoveEmptyEntries))],
            Exclude = exclude ?? [],
            Mirrors = plans,
            Record = recordPlan,
            RingBudgetBytes = ringBytes,
        };
    }

    /// <summary>`nic:eth2;from=vnet0,vnet1;filter=tcp port 80;slice=128`.</summary>
    public static MirrorPlan? Mirror(string text, int number, out string? mistake)
    {
        mistake = null;
        var parts = text.Split(';');
        var plan = new MirrorPlan { Session = string.Create(CultureInfo.InvariantCulture, $"m{number}"), To = parts[0] };
        foreach (var part in parts.Skip(1))
        {
            var (name, value) = NameAndValue(part);
            switch (name)
            {
                case "from":
                    plan = plan with { From = value.Split(',', StringSplitOptions.RemoveEmptyEntries) };
                    break;
                case "filter":
                    plan = plan with { Filter = value };
                    break;
                case "mode" when value is "auto" or "kernel" or "user":
                    plan = plan with { Mode = Enum.Parse<MirrorMode>(value, ignoreCase: true) };
                    break;
                case "since" when Moment.TryParse(value, Clock.NowNs(), out var sinceNs):
                    plan = plan with { SinceNs = sinceNs, OrderedNs = Clock.NowNs() };
                    break;
                case "speed" when ReplayVerb.ParseSpeed(value) is { } speed:
                    plan = plan with { Speed = speed };
                    break;
                case "session" when value.Length > 0:
                    plan = plan with { Session = value };
                    break;
                default:
                    if (!ShapeParser.Words.Contains(name))
                    {
                        mistake = $"--mirror does not understand \"{part}\"; it takes TARGET[;from=P,P][;filter=EXPR]"
                            + "[;mode=auto|kernel|user][;session=NAME][;since=TIME][;speed=max|N] and the shape's words "
                            + $"{string.Join(", ", ShapeParser.Words)}.";
                        return null;
                    }

                    plan = plan with { Shape = plan.Shape is null ? part.Trim() : $"{plan.Shape};{part.Trim()}" };
                    break;
            }
        }

        return plan;
    }

    /// <summary>`/var/rec;budget=100G;filter=not port 22`.</summary>
    public static RecordPlan? Record(string text, out string? mistake)
    {
        mistake = null;
        var parts = text.Split(';');
        var plan = new RecordPlan { Folder = parts[0] };
        foreach (var part in parts.Skip(1))
        {
            var (name, value) = NameAndValue(part);
            switch (name)
            {
                case "budget" when Quantity.TryParseBytes(value, out var bytes) && bytes > 0:
                    plan = plan with { BudgetBytes = bytes };
                    break;
                case "keep" when RetentionWords.ParseKeep(value) is not null:
                    plan = RetentionWords.Apply(plan, value, null);
                    break;
                case "min_free" when RetentionWords.ParseMinFree(value) is not null:
                    plan = RetentionWords.Apply(plan, null, value);
                    break;
                case "evidence" when RetentionWords.ParseSwitch(value) is bool isSealed:
                    plan = plan with { Evidence = isSealed };
                    break;
                case "filter":
                    plan = plan with { Filter = value };
                    break;
                case "compress" when AtRestOptions.ParseCompress(value) is { } compression:
                    plan = plan with { AtRest = plan.AtRest with { Compression = compression } };
                    break;
                case "encrypt" when value.Length > 0:
                    plan = plan with { AtRest = plan.AtRest with { KeyFile = Path.GetFullPath(value) } };
                    break;
                default:
                    mistake = $"--record does not understand \"{part}\"; it takes DIR[;budget=SIZE][;keep=TIME]"
                        + "[;min_free=SIZE][;evidence=on|off][;compress=lz4][;encrypt=KEYFILE][;filter=EXPR].";
                    return null;
            }
        }

        if (plan.Folder.Length == 0)
        {
            mistake = "--record needs a folder.";
            return null;
        }

        return plan;
    }

    private static (string Name, string Value) NameAndValue(string part)
    {
        var equals = part.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (part, "") : (part[..equals].Trim(), part[(equals + 1)..].Trim());
    }
}
