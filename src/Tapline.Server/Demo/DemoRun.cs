// One demo from the first namespace to the last: network, node, tool, servers, load; then all of it backwards, with the
// kernel's counters read before the first frame and after the last. Whatever happens, the journal undoes what was made.
using System.Diagnostics;
using System.Globalization;

namespace Tapline.Server.Demo;

/// <summary>What the operator asked of the demo.</summary>
internal sealed record DemoOrders
{
    public double? Seconds { get; init; }

    /// <summary>The VMs are QEMU guests; else network namespaces.</summary>
    public bool IsQemu { get; init; }

    public bool Keep { get; init; }

    public string? Listen { get; init; }

    /// <summary>Sentences for the operator; never the result.</summary>
    public required Action<string> Say { get; init; }

    /// <summary>A line that replaces the one before it; null when nobody watches.</summary>
    public Action<string>? Status { get; init; }
}

/// <summary>Runs the demo.</summary>
internal static class DemoRun
{
    private static readonly TimeSpan s_restTimeMax = TimeSpan.FromSeconds(10);

    public static async Task<DemoSummary> RunAsync(DemoOrders orders, CancellationToken stop)
    {
        if ((orders.IsQemu ? DemoGuests.Missing() : DemoServers.Missing()) is { } missing)
        {
            throw new DemoException(missing);
        }

        var journal = DemoJournal.Open(orders.Say);
        try
        {
            var folder = MakeFolder(journal, orders.Keep);
            var network = DemoNetwork.Create(journal, orders.IsQemu);
            IDemoTiers tiers = orders.IsQemu
                ? new DemoGuests(journal, network, folder)
                : new DemoServers(journal, network, folder);
            orders.Status?.Invoke(orders.IsQemu ? "booting four virtual machines…" : "making a database…");
            await tiers.PrepareAsync(stop);
            var tool = await DemoTool.StartAsync(
                journal, network, orders.Keep ? Path.Combine(folder, "tool.pcap") : null, stop);
            var data = Path.Combine(folder, "data");
            var node = await DemoNode.StartAsync(journal, network, data, orders.Listen, stop);
            var before = network.Crossed();
            var toolBefore = network.ToolPortReceived();
            var watch = Stopwatch.StartNew();
            try
            {
                await tiers.StartAsync(stop);
                Welcome(orders, network, tiers, node, folder);
                await WatchAsync(orders, network, tiers, node, before, stop);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C or SIGTERM: the ordinary way for a demo to end.
            }

            orders.Status?.Invoke("stopping…");
            await tiers.StopAsync();
            var (crossed, figures) = await AtRestAsync(network, node, before);
            var toolPortReceived = network.ToolPortReceived() - toolBefore;
            var exitCode = await node.StopAsync();
            var (received, lost) = await tool.StopAsync();
            return new DemoSummary
            {
                CrossedByPort = crossed,
                Node = figures,
                ToolPort = network.ToolPort,
                ToolReceived = received,
                ToolLost = lost,
                ToolPortReceived = toolPortReceived,
                Console = node.Console,
                Seconds = watch.Elapsed.TotalSeconds,
                Requests = tiers.LoadReport,
                NodeExitCode = exitCode,
            };
        }
        finally
        {
            journal.Undo();
        }
    }

    private static string MakeFolder(DemoJournal journal, bool keep)
    {
        var folder = Path.Combine("/var/tmp", $"tapline-demo-{Environment.ProcessId}-{Random.Shared.Next():x8}");
        if (!keep)
        {
            journal.FolderOf(folder);
        }

        // The servers' own users must be able to walk through to their folders, and to nothing else.
        DemoShell.Run("install", "-d", "-m", "711", folder);
        return folder;
    }

    private static void Welcome(DemoOrders orders, DemoNetwork network, IDemoTiers tiers, DemoNode node, string folder)
    {
        orders.Status?.Invoke("");
        orders.Say($"The switch {network.Bridge} is up, and a node watches it.");
        foreach (var sentence in tiers.Describe())
        {
            orders.Say(sentence);
        }

        orders.Say($"Copies of every frame go to {network.ToolPort}, where tcpdump counts them.");
        orders.Say("");
        orders.Say($"  Console   {node.Console}");
        orders.Say("  Look at   the rate of each port, who talks to whom, and the ledger: what arrived and what became of it.");
        orders.Say($"  Or run    ./tapline top --data {folder}/data");
        orders.Say(orders.Seconds is { } seconds
            ? $"  Ends      by itself after {seconds.ToString(CultureInfo.InvariantCulture)} s, or with Ctrl-C"
            : "  End it    with Ctrl-C; the summary follows");
        orders.Say("");
    }

    private static async Task WatchAsync(
        DemoOrders orders, DemoNetwork network, IDemoTiers tiers, DemoNode node, Dictionary<string, long> before,
        CancellationToken stop)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2), BaseAddress = new Uri(tiers.WebAddress) };
        var watch = Stopwatch.StartNew();
        while (orders.Seconds is null || watch.Elapsed.TotalSeconds < orders.Seconds)
        {
            var left = orders.Seconds is { } seconds ? seconds - watch.Elapsed.TotalSeconds : double.MaxValue;
            await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(left, 0.001, 1)), stop);
            await ProbeAsync(http, stop);
            if ((node.HasExited ? "The node ended by itself: " + node.LastWords : tiers.Failed()) is { } failure)
            {
                throw new DemoException(failure);
            }

            if (orders.Status is not null)
            {
                var crossed = network.Crossed().Sum(port => port.Value - before[port.Key]);
                orders.Status(string.Create(
                    CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:F0} s, {crossed:N0} frames crossed the switch"));
            }
        }
    }

    /// <summary>The host's own look at the web server, as a hypervisor's health check: the host's frames are seen too.</summary>
    private static async Task ProbeAsync(HttpClient http, CancellationToken stop)
    {
        try
        {
            await http.GetStringAsync("/health", stop);
        }
        catch (HttpRequestException)
        {
            // A health check that fails is traffic as well.
        }
        catch (TaskCanceledException) when (!stop.IsCancellationRequested)
        {
        }
    }

    /// <summary>Waits until no frame moves and the node has worked off its rings; then both accounts can be compared.</summary>
    private static async Task<(Dictionary<string, long> Crossed, System.Text.Json.JsonElement Node)> AtRestAsync(
        DemoNetwork network, DemoNode node, Dictionary<string, long> before)
    {
        network.Silence();
        var watch = Stopwatch.StartNew();
        Dictionary<string, long> crossed = [];
        System.Text.Json.JsonElement? figures = null;
        var last = -1L;
        while (watch.Elapsed < s_restTimeMax)
        {
            await Task.Delay(250);
            crossed = network.Crossed().ToDictionary(port => port.Key, port => port.Value - before[port.Key]);
            figures = node.Snapshot() ?? figures;
            var sum = crossed.Values.Sum();
            if (sum == last && figures is { } now && Settled(now, sum))
            {
                break;
            }

            last = sum;
        }

        return (crossed, figures ?? throw new DemoException("The node does not answer: " + node.LastWords));
    }

    private static bool Settled(System.Text.Json.JsonElement node, long crossed)
    {
        long Sum(string field) => node.GetProperty("points").EnumerateArray().Sum(point => point.GetProperty(field).GetInt64());
        var lost = Sum("dropped_ring");
        return Sum("analysed") + lost == crossed + DemoSummary.CanariesOf(node)
            && Sum("recorded") + Sum("dropped_recorder") + lost == crossed;
    }
}
