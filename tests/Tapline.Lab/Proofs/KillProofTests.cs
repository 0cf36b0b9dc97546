// The process that mirrors is killed again and again under load, at random moments of its start and its work, on each path:
// the host is as before, to the qdisc, the link, the socket and the file, and the next run works. Fifty times with
// TAPLINE_PROOF=full.
using System.Text.RegularExpressions;
using Tapline.Lab.Kernel;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Proofs;

public sealed partial class KillProofTests
{
    private static readonly int s_kills = LabNeeds.Rounds(always: 9, full: 50);
    private const int LatestKillMs = 900; // about twice as long as a start takes here
    private const int FramesPerSecond = 20_000;
    private static readonly string[] s_folders = ["/run", "/dev/shm", "/sys/fs/bpf", "/var/run", Path.GetTempPath()];

    [Fact]
    public void Killed_under_load_the_host_is_as_before_each_time_and_the_next_run_works()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("bpftool");
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var lab = new FaultLab();
        var before = Picture(lab.Host);
        lab.LoadSteadyPort(FramesPerSecond);
        var objects = 0;
        for (var round = 0; round < s_kills; round++)
        {
            var path = (MirrorPath)(round % 3);
            var delayMs = random.Next(LatestKillMs);
            try
            {
                objects += KillOnce(lab, path, delayMs, before);
            }
            catch (Exception problem)
            {
                Assert.Fail($"seed {seed}, round {round}, {path}, killed after {delayMs} ms: {problem.Message}");
            }
        }

        Assert.True(objects > s_kills, $"{objects} programs, maps and links were held when killed: too few kills met a mirror");
        foreach (var path in Enum.GetValues<MirrorPath>())
        {
            CheckRun(lab, path, before);
        }
    }

    private static int KillOnce(FaultLab lab, MirrorPath path, int delayMs, string before)
    {
        var program = MirrorProgram.Start(lab.Host, path);
        Thread.Sleep(delayMs);
        var held = program.Kill();
        Assert.Equal([], FilesOf(program.ProcessId));
        if (path == MirrorPath.Clsact)
        {
            // Filters outlive their maker; whichever run comes next removes them.
            var next = MirrorProgram.Start(lab.Host, (MirrorPath)(delayMs % 3));
            next.WaitReady();
            next.Interrupt();
        }

        WaitAsBefore(lab, before);
        LabWait.Until(
            () => !held.Any(BpfObjects.Exists),
            () => $"the kernel to free {string.Join(", ", held.Where(BpfObjects.Exists))}");
        return held.Count;
    }

    private static void CheckRun(FaultLab lab, MirrorPath path, string before)
    {
        var received = lab.ToolReceived;
        var program = MirrorProgram.Start(lab.Host, path);
        program.WaitReady();
        LabWait.Until(() => lab.ToolReceived > received + 10_000, "copies");
        Assert.NotEqual(before, Picture(lab.Host));
        var ledger = program.Interrupt();
        Assert.Equal(0, ledger.Dropped);
        Assert.Equal(ledger.SentWireFrames, lab.ToolReceived - received);
        WaitAsBefore(lab, before);
    }

    private static void WaitAsBefore(FaultLab lab, string before) => LabWait.Until(
        () => Picture(lab.Host) == before,
        () => $"the host to be as before:\n{before}\n--- now:\n{Picture(lab.Host)}");

    // Links with promiscuity, qdiscs and filters, what bpftool sees on interfaces, and packet sockets.
    private static string Picture(NetNamespace host) => string.Join(
        '\n',
        HostSnapshot.Take(host, _ => false),
        BpfIdentity().Replace(host.Run("bpftool", "net", "show"), ""),
        string.Join('\n', host.Run("cat", "/proc/net/packet").Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2..5]))));

    // What bears the process's number, but for what any program of the .NET runtime leaves when it is killed (docs/limits.md).
    private static List<string> FilesOf(int processId) => [.. s_folders.Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFileSystemEntries(folder))
        .Where(path => Regex.IsMatch(Path.GetFileName(path), $@"(?<!\d){processId}(?!\d)"))
        .Where(path => !Path.GetFileName(path).StartsWith($"clr-debug-pipe-{processId}-", StringComparison.Ordinal)
            && !Path.GetFileName(path).StartsWith($"dotnet-diagnostic-{processId}-", StringComparison.Ordinal))];

    [GeneratedRegex(@"\b(prog_)?id \d+")]
    private static partial Regex BpfIdentity();
}
