// `tapline demo` end to end, as a user runs it: real servers, a real node, the tool's own count. Run inside a network
// namespace of the test's, which is the demo's whole host: what it looked like before it must look like afterwards.
using System.Text.Json;
using Tapline.Lab.Machines;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Tests;

[Trait("pace", "patient")]
public sealed class DemoTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(180);

    [Fact]
    public void Every_frame_that_crossed_was_seen_mirrored_received_and_recorded()
    {
        TaplineProgram.NeedsDemo();
        using var host = NetNamespace.Create("dm");
        var before = HostSnapshot.Take(host, _ => false);
        using var demo = Start(host, "--seconds", "15", "--json");
        var exitCode = demo.WaitForExit(s_limit);
        Assert.True(exitCode == 0, $"exit code {exitCode}: {demo.Output} {demo.Error}");

        var summary = JsonDocument.Parse(demo.Output).RootElement;
        CheckAccount(summary, crossedMin: 1000);
        var requests = summary.GetProperty("requests");
        Assert.True(Number(requests, "ok") > 300, demo.Output);
        Assert.True(Number(requests, "failed") > 0 && Number(requests, "not_found") > 0, "some fail, on purpose");
        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
        Assert.Empty(LeftBehind(demo));
    }

    [Fact]
    public void So_it_is_with_real_guests_which_are_found_by_their_names()
    {
        LabNeeds.FullProof();
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump", "setsid");
        _ = LabGuestSystem.Need();
        using var host = NetNamespace.Create("dm");
        var before = HostSnapshot.Take(host, _ => false);
        using var demo = Start(host, "--vms", "qemu", "--seconds", "8", "--json");
        var exitCode = demo.WaitForExit(s_limit);
        Assert.True(exitCode == 0, $"exit code {exitCode}: {demo.Output} {demo.Error}");

        var summary = JsonDocument.Parse(demo.Output).RootElement;
        CheckAccount(summary, crossedMin: 300);
        var found = summary.GetProperty("vm_by_port").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString());
        var prefix = Prefix(demo);
        var names = (string[])["client", "web", "app", "db"];
        Assert.Equal(
            names.Select((name, i) => KeyValuePair.Create($"{prefix}vnet{i}", (string?)$"{prefix}{name}")).ToDictionary(), found);

        var requests = summary.GetProperty("requests");
        Assert.True(Number(requests, "ok") > 10, demo.Output);
        Assert.True(Number(requests, "failed") > 0 && Number(requests, "not_found") > 0, "some fail, on purpose");
        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
        Assert.Empty(LeftBehind(demo));
    }

    [Theory]
    [InlineData(2)] // Ctrl-C
    [InlineData(15)] // SIGTERM
    public void A_signal_ends_it_with_a_summary_and_the_host_is_as_before(int signal)
    {
        TaplineProgram.NeedsDemo();
        using var host = NetNamespace.Create("dm");
        var before = HostSnapshot.Take(host, _ => false);
        using var demo = Start(host, "--json");
        demo.WaitForLine(line => line.Contains("Console", StringComparison.Ordinal), s_limit);
        if (signal == 2)
        {
            demo.SignalGroup(signal);
        }
        else
        {
            demo.Signal(signal);
        }

        var exitCode = demo.WaitForExit(s_limit);
        Assert.True(exitCode == 0, $"exit code {exitCode}: {demo.Output} {demo.Error}");
        Assert.True(JsonDocument.Parse(demo.Output).RootElement.GetProperty("balanced").GetBoolean(), demo.Output);
        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
        Assert.Empty(LeftBehind(demo));
    }

    [Fact]
    public void What_a_killed_demo_left_behind_is_removed_by_the_next()
    {
        TaplineProgram.NeedsDemo();
        using var host = NetNamespace.Create("dm");
        var before = HostSnapshot.Take(host, _ => false);
        using var demo = Start(host, "--json");
        demo.WaitForLine(line => line.Contains("Console", StringComparison.Ordinal), s_limit);
        demo.Signal(9);
        demo.WaitForExit();
        Assert.NotEmpty(LeftBehind(demo));
        Assert.NotEqual(before, HostSnapshot.Take(host, _ => false));

        using var next = Start(host, "--seconds", "1", "--json");
        var exitCode = next.WaitForExit(s_limit);
        Assert.True(exitCode == 0, $"exit code {exitCode}: {next.Output} {next.Error}");
        Assert.Contains("left behind", next.Error, StringComparison.Ordinal);
        Assert.Equal(before, HostSnapshot.Take(host, _ => false));
        Assert.Empty(LeftBehind(demo));
        Assert.Empty(LeftBehind(next));
    }

    private static LabProcess Start(NetNamespace host, params string[] options)
    {
        // The shop's place is the launcher's business; here the test is the launcher.
        Environment.SetEnvironmentVariable("TAPLINE_SHOP", TaplineProgram.Shop);
        return host.Start(["setsid", TaplineProgram.Path(), "demo", .. options]); // the leader of a group, as under a shell
    }

    private static void CheckAccount(JsonElement summary, long crossedMin)
    {
        var crossed = Number(summary, "crossed");
        Assert.True(crossed > crossedMin, $"{summary}");
        Assert.Equal(crossed, Number(summary, "seen"));
        Assert.Equal(crossed, Number(summary, "mirrored"));
        Assert.Equal(crossed, Number(summary, "recorded"));
        Assert.Equal(Number(summary, "mirrored_wire_frames"), Number(summary, "tool_received"));
        Assert.Equal(Number(summary, "tool_port_received"), Number(summary, "tool_received"));
        Assert.True(Number(summary, "mirrored_wire_frames") > crossed, "super-frames were cut into wire frames");
        Assert.True(summary.GetProperty("balanced").GetBoolean());
        foreach (var port in summary.GetProperty("crossed_by_port").EnumerateObject())
        {
            Assert.True(port.Value.GetInt64() > 0, $"something entered by {port.Name}");
        }
    }

    /// <summary>The first line names the bridge: `The switch demo-br is …`, or demo2-br when there was one already.</summary>
    private static string Prefix(LabProcess demo) => (demo.Output + demo.Error).Split(' ', '\n')
        .First(word => word.EndsWith("-br", StringComparison.Ordinal))[..^"br".Length];

    /// <summary>Folder, namespaces and processes of one demo: by its own names, as another may run beside the test.</summary>
    private static IEnumerable<string> LeftBehind(LabProcess demo)
    {
        var prefix = Prefix(demo);
        var folder = $"tapline-demo-{demo.Id}-";
        return Directory.GetDirectories("/var/tmp", folder + "*")
            .Concat(Directory.GetFiles("/run/netns", prefix + "*"))
            .Concat(Directory.GetFiles("/run/tapline-demo", demo.Id + "-*"))
            .Concat(Directory.GetDirectories("/proc").Where(process => Runs(process, folder)));
    }

    private static bool Runs(string process, string word)
    {
        try
        {
            return File.ReadAllText(process + "/cmdline").Contains(word, StringComparison.Ordinal);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}
