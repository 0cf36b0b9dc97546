// The tool at the tool port: tcpdump in the tool's own namespace, which knows nothing of Tapline and counts what arrives.
// Its count is the witness for the copies; the kernel's counter of the port is a second one.
using System.Globalization;

namespace Tapline.Server.Demo;

/// <summary>An independent reader of the copies.</summary>
internal sealed class DemoTool
{
    private static readonly TimeSpan s_startTimeMax = TimeSpan.FromSeconds(20);
    private readonly DemoProcess _reader;

    private DemoTool(DemoProcess reader) => _reader = reader;

    /// <summary>Starts reading; <paramref name="file"/> keeps the copies, null only counts them.</summary>
    public static async Task<DemoTool> StartAsync(DemoJournal journal, DemoNetwork network, string? file, CancellationToken stop)
    {
        var reader = DemoProcess.Start(
            journal, "tcpdump", network.ToolSpace, "tcpdump", "-i", "eth0", "-n", "-Z", "root", "-B", "16384", "-w", file ?? "/dev/null");
        await reader.WaitForLineAsync("listening on", s_startTimeMax, stop);
        return new DemoTool(reader);
    }

    /// <summary>Ends the reader; returns the frames that it says it captured, and those that it says it lost.</summary>
    public async Task<(long Received, long Lost)> StopAsync()
    {
        await _reader.StopAsync("INT");
        return (Figure("packets captured"), Figure("packets dropped by kernel"));
    }

    private long Figure(string words) => _reader.Lines
        .Where(line => line.EndsWith(words, StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture))
        .LastOrDefault(-1);
}
