// What a host looks like to those who must leave it as they found it: links with their details and promiscuity,
// namespaces, queueing disciplines and filters, BPF links and programs where the kernel lets one count them.
// In: a namespace or null for the test process's own. Out: text, one fact a line, compared by equality.
// Counters, ages and index numbers of things that other tests make are left out, and so are other tests' own things.
using System.Text.RegularExpressions;

namespace Tapline.Lab.Net;

/// <summary>A comparable picture of a network namespace.</summary>
public static partial class HostSnapshot
{
    /// <summary>Takes the picture. Lines are sorted by device in kernel order.</summary>
    public static string Take(NetNamespace? space = null, Func<string, bool>? keepNamespace = null)
    {
        string[] place = space is null ? [] : ["-n", space.Name];
        var lines = new List<string> { "# links" };
        lines.AddRange(Lines(LabCommand.Run(["ip", .. place, "-d", "link", "show"])).Select(WithoutTimers));
        lines.Add("# addresses and routes");
        lines.AddRange(Lines(LabCommand.Run(["ip", .. place, "-o", "address", "show"])).Select(WithoutTimers));
        lines.AddRange(Lines(LabCommand.Run(["ip", .. place, "route", "show", "table", "all"])));
        lines.Add("# qdiscs and filters");
        lines.AddRange(Lines(LabCommand.Run(["tc", .. place, "qdisc", "show"])));
        foreach (var device in Devices(place))
        {
            foreach (var hook in (string[])["root", "ingress", "egress"])
            {
                var (_, filters, _) = LabCommand.TryRun(["tc", .. place, "filter", "show", "dev", device, hook]);
                lines.AddRange(Lines(filters).Select(line => $"{device} {hook}: {line}"));
            }
        }

        lines.Add("# namespaces");
        lines.AddRange(Lines(LabCommand.Run("ip", "netns", "list"))
            .Select(line => line.Split(' ')[0])
            .Where(keepNamespace ?? (_ => true))
            .Order(StringComparer.Ordinal));
        return string.Join('\n', lines);
    }

    private static IEnumerable<string> Devices(string[] place) =>
        Lines(LabCommand.Run(["ip", .. place, "-o", "link", "show"]))
            .Select(line => line.Split(':')[1].Trim().Split('@')[0]);

    private static IEnumerable<string> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd());

    private static string WithoutTimers(string line) => Timers().Replace(line, "");

    [GeneratedRegex(
        @"(hello_timer|tcn_timer|topology_change_timer|gc_timer|message_age_timer|forward_delay_timer|hold_timer" +
        @"|valid_lft|preferred_lft)\s+\S+")]
    private static partial Regex Timers();
}
