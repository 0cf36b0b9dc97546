// The engine's promise that the collector has nothing to do: while frames flow and a console asks each second, the whole
// process allocates no managed byte. Measured by the engine's own counters over its own socket, on real kernel rings.
using System.Text.Json;
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.DataPlane;

public sealed class SteadyStateTests
{
    private const int FramesPerSecond = 100_000;
    private const int TickMicroseconds = 1000;
    private const int Questions = 6;
    private const int Windows = 3;
    private const long WarmNs = 12_000_000_000;

    [Fact]
    public void While_frames_are_mirrored_analysed_and_recorded_nothing_is_allocated()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        using var space = NetNamespace.Create("ss");
        using var pair = VethPair.Create(space, space);
        using var tool = VethPair.Create(space, space);
        space.Run("ethtool", "-K", pair.Far, "gro", "on");
        var recording = Directory.CreateTempSubdirectory("tapline-lab-").FullName;
        string[] more = ["--mirror", $"nic:{tool.Near};filter=udp", "--record", $"{recording};budget=64M;evidence=on"];
        using (var engine = LabEngine.Start(space, 1, ["--point", pair.Far, "--workers", "2", .. more]))
        {
            using var stop = new CancellationTokenSource();
            var sender = new Thread(() => space.Enter(() =>
            {
                using var source = new FrameSource(LinkIndex.Of(pair.Near), 128, flows: 1024);
                source.SendPaced(FramesPerSecond, seconds: 120, TickMicroseconds, stop.Token);
            }));
            sender.Start();
            try
            {
                AssertQuiet(engine);
            }
            finally
            {
                stop.Cancel();
                sender.Join();
            }

            var ledger = engine.Stop();
            Assert.Equal(ledger.GetProperty("arrived").GetInt64(),
                ledger.GetProperty("captured").GetInt64() + ledger.GetProperty("dropped_ring").GetInt64());
            Assert.Equal(space.Statistic(pair.Far, "rx_packets"), ledger.GetProperty("arrived").GetInt64());
        }

        Directory.Delete(recording, recursive: true);
    }

    private static void AssertQuiet(LabEngine engine)
    {
        // The first seconds belong to the runtime: methods are compiled for good, buffers find their size. What runs once a segment
        // must have run often enough for that, so the recording has a small budget: four segments a second, old ones removed.
        LabWait.Until(() => Ask(engine).GetProperty("uptime_ns").GetInt64() > WarmNs, "the engine to be warm");
        // What the runtime does once in a while for itself (a method compiled for good) may fall into one window, not into each.
        var told = new List<string>();
        while (told.Count < Windows && Allocated(engine) is { } allocation)
        {
            told.Add(allocation);
        }

        Assert.True(told.Count < Windows, string.Join('\n', told));
    }

    // Looks on for some seconds; null = nothing was allocated meanwhile. By a worker nothing ever is, and nothing is collected.
    private static string? Allocated(LabEngine engine)
    {
        var first = Ask(engine);
        var last = first;
        for (var i = 0; i < Questions; i++)
        {
            var uptime = last.GetProperty("uptime_ns").GetInt64();
            LabWait.Until(() => Ask(engine).GetProperty("uptime_ns").GetInt64() > uptime + 1_000_000_000L, "a second to pass");
            last = Ask(engine);
        }

        Assert.True(Frames(last) - Frames(first) > FramesPerSecond, "frames flow meanwhile");
        var bytes = Difference("allocated_bytes", first, last);
        Assert.Equal(0, Difference("gc_collections", first, last));
        var ofWorkers = first.GetProperty("workers").EnumerateArray().Zip(last.GetProperty("workers").EnumerateArray())
            .Select(w => Difference("allocated_bytes", w.First, w.Second)).ToArray();
        Assert.All(ofWorkers, allocated => Assert.Equal(0, allocated));
        return bytes == 0 ? null : $"{bytes} bytes in {Questions} s";
    }

    private static long Difference(string field, JsonElement first, JsonElement last) =>
        last.GetProperty(field).GetInt64() - first.GetProperty(field).GetInt64();

    private static JsonElement Ask(LabEngine engine)
    {
        Assert.NotNull(LabEngine.Ask(Path.Combine(engine.Data, "engine.sock"), "{\"verb\":\"flows\",\"top\":20}"));
        var snapshot = engine.Snapshot();
        Assert.NotNull(snapshot);
        return snapshot.Value;
    }

    private static long Frames(JsonElement snapshot) =>
        snapshot.GetProperty("points").EnumerateArray().Sum(p => p.GetProperty("captured").GetInt64());
}
