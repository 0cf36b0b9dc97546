// `tapline up`, killed in all the ways: a half that falls is started again, and no half outlives the whole. Runs in a
// network namespace of its own, on that namespace's loopback.
using System.Globalization;
using Tapline.Server.Commands.Supervision;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public class SupervisionTests
{
    [Fact]
    public void AHalfThatIsKilledIsStartedAgainAndSigtermEndsBothInOrder()
    {
        using var folder = new TemporaryFolder();
        using var up = Start(folder);
        var before = ChildrenOf(up);
        Assert.Equal(2, before.Count);
        System.Diagnostics.Process.GetProcessById(before["console"]).Kill();
        Assert.True(Await.Until(() => IsAnew("console")));
        System.Diagnostics.Process.GetProcessById(before["engine"]).Kill();
        Assert.True(Await.Until(() => IsAnew("engine")));
        Assert.Contains("starting it again", up.Output, StringComparison.Ordinal);
        Assert.True(Await.Until(() => File.Exists(folder["engine.sock"])));

        var last = ChildrenOf(up);
        up.Terminate();
        up.WaitForExit();
        Assert.All(last.Values, id => Assert.False(IsAlive(id)));

        bool IsAnew(string half) => ChildrenOf(up).TryGetValue(half, out var now) && now != before[half];
    }

    [Fact]
    public void KillingTheWholeTakesTheHalvesWithIt()
    {
        using var folder = new TemporaryFolder();
        using var up = Start(folder);
        var children = ChildrenOf(up);
        Assert.Equal(2, children.Count);
        up.Kill();
        Assert.True(Await.Until(() => !children.Values.Any(IsAlive)), "orphans: " + string.Join(' ', children));
    }

    [Fact]
    public void WrongOrdersEndWithAllMistakesAndNoChild()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["node.yaml"], "workers: many\nmirrors:\n  - filter: tcp\n");
        using var up = new ServerProcess("up", "--config", folder["node.yaml"], "--data", folder.Path, "--record-budget", "much");
        Assert.Equal(2, up.WaitForExit());
        Assert.Contains("line 1", up.Output, StringComparison.Ordinal);
        Assert.Contains("line 3", up.Output, StringComparison.Ordinal);
        Assert.Contains("--record-budget", up.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void PatienceGrowsAndIsForgottenAfterAGoodRun()
    {
        var backOff = new BackOff();
        var waits = Enumerable.Range(0, 10).Select(_ => backOff.After(TimeSpan.FromSeconds(1))).ToList();
        Assert.Equal(waits.Order(), waits);
        Assert.Equal(TimeSpan.FromSeconds(30), waits[^1]);
        Assert.Equal(waits[0], backOff.After(TimeSpan.FromMinutes(5)));
    }

    private static ServerProcess Start(TemporaryFolder folder)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an engine needs root");
        Assert.SkipUnless(File.Exists("/usr/bin/unshare"), "unshare is not installed (apt install util-linux)");
        // unshare becomes the program by exec, so its id is the program's own.
        var up = new ServerProcess(
            ["/usr/bin/unshare", "--net", "/bin/sh", "-c", "ip link set lo up; exec \"$0\" \"$@\""],
            ["up", "--data", folder.Path, "--point", "lo", "--listen", "127.0.0.1:0"]);
        up.WaitForOutput("console:");
        Assert.True(Await.Until(() => File.Exists(folder["engine.sock"]) || up.HasExited), up.Output);
        Assert.False(up.HasExited, up.Output);
        return up;
    }

    /// <summary>Verb → process id of the children that run now.</summary>
    private static Dictionary<string, int> ChildrenOf(ServerProcess up)
    {
        var found = new Dictionary<string, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(d[^1])))
        {
            try
            {
                // pid (comm) state ppid …: comm may hold anything, so the fields are counted from its last bracket.
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (int.Parse(fields[1], CultureInfo.InvariantCulture) == up.Id && fields[0] != "Z")
                {
                    var arguments = File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0');
                    if (arguments.Length > 1 && arguments[1] is "engine" or "console")
                    {
                        found[arguments[1]] = int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Ended while it was read.
            }
        }

        return found;
    }

    private static bool IsAlive(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
