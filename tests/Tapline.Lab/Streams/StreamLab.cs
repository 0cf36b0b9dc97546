// A switch whose first VM sends numbered UDP frames, and readers of what Tapline makes of them. Owner: the test.
using System.Diagnostics;
using System.Text.Json;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Streams;

/// <summary>What tests of streams stand on.</summary>
internal sealed class StreamLab : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tapline-lab-");

    public StreamLab()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "tshark", "tcpdump");
        Network = new LabSwitch(vms: 2);
        Network.Host.Run("ethtool", "-K", Network.Ports[0].Near, "gro", "on");
    }

    public LabSwitch Network { get; }

    public NetNamespace Host => Network.Host;

    /// <summary>The port by which the frames enter.</summary>
    public string Port => Network.Ports[0].Near;

    /// <summary>A path in the test's own folder.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    public string[] Files(string pattern) => [.. Directory.GetFiles(_folder.FullName, pattern).Order(StringComparer.Ordinal)];

    /// <summary>Starts `tapline mirror` of all UDP that enters the switch, and waits until it sees frames.</summary>
    public LabProcess Mirror(string to, params string[] options)
    {
        var process = Host.Start(
        [
            TaplineProgram.Path(), "mirror", "--from", $"bridge:{Network.Bridge.Name}", "--to", to, "--filter", "udp", "--json", .. options,
        ]);
        process.WaitForLine(l => l == "ready");
        return process;
    }

    /// <summary>Starts tcpdump at the port into <c>witness.pcap</c>.</summary>
    public LabProcess Witness(string filter)
    {
        var process = Host.Start("tcpdump", "-i", Port, "-Q", "in", "-B", "65536", "-U", "-w", this["witness.pcap"], filter);
        process.WaitForLine(l => l.Contains("listening on", StringComparison.Ordinal));
        return process;
    }

    /// <summary>
    /// Ends it when it has written all: it looks at its ring once a second at the latest, and forgets what is there when it ends.
    /// </summary>
    public void StopWitness(LabProcess process)
    {
        var file = new FileInfo(this["witness.pcap"]);
        var (length, since) = (-1L, Stopwatch.GetTimestamp());
        LabWait.Until(
            () =>
            {
                file.Refresh();
                since = file.Length == length ? since : Stopwatch.GetTimestamp();
                length = file.Length;
                return Stopwatch.GetElapsedTime(since).TotalSeconds > 2;
            },
            "tcpdump to have written all");
        process.Stop();
        Assert.Contains("0 packets dropped by kernel", process.Error, StringComparison.Ordinal);
    }

    /// <summary>Ends it and returns its session's ledger, which balances.</summary>
    public static JsonElement Ledger(LabProcess process)
    {
        Assert.Equal(0, process.Stop());
        return Session(JsonDocument.Parse(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement);
    }

    /// <summary>The first session of a ledger or snapshot, which balances.</summary>
    public static JsonElement Session(JsonElement ledger)
    {
        var session = ledger.GetProperty("mirrors")[0];
        Assert.Equal(Number(session, "offered"), Number(session, "sent") + Number(session, "filtered") + Dropped(session));
        return session;
    }

    public static long Number(JsonElement session, string field) => session.GetProperty(field).GetInt64();

    public static long Dropped(JsonElement session) =>
        session.GetProperty("dropped").EnumerateObject().Sum(d => d.Value.GetInt64());

    /// <summary>Sends so many frames at a pace that nothing has to lose any.</summary>
    public void Send(int frames, int bytes = 128, int perSecond = 20_000) => Network.Vms[0].Enter(() =>
    {
        using var source = new FrameSource(LinkIndex.Of("eth0"), bytes, flows: 256);
        source.SendPaced(perSecond, seconds: (double)frames / perSecond, tickMicroseconds: 1000);
    });

    /// <summary>Sends until told to stop.</summary>
    public Thread SendUntil(CancellationToken stop, int perSecond = 5000)
    {
        var thread = new Thread(() => Network.Vms[0].Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of("eth0"), 128, flows: 256);
            source.SendPaced(perSecond, seconds: 60, tickMicroseconds: 1000, stop);
        }));
        thread.Start();
        return thread;
    }

    /// <summary>All frames of capture files, sorted, so that files of different writers can be compared.</summary>
    public static List<string> Frames(params string[] files)
    {
        var frames = new List<string>();
        foreach (var file in files)
        {
            using var source = CaptureFileSource.Open(file, 0, out var error);
            Assert.True(source is not null, error);
            var batch = new FrameBatch();
            while (source.Lease(batch, 1000) == LeaseResult.Frames)
            {
                for (var i = 0; i < batch.Count; i++)
                {
                    frames.Add(Convert.ToHexString(batch.Bytes(i)));
                }

                source.Release(batch);
            }

            Assert.Null(source.Fault);
        }

        frames.Sort(StringComparer.Ordinal);
        return frames;
    }

    public void Dispose()
    {
        Network.Dispose();
        _folder.Delete(recursive: true);
    }
}
