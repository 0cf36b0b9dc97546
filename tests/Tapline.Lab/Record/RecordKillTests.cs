// The recorder is killed again and again at random moments under load, half of them aimed at the instant at which a file is made, renamed
// or removed: what was published stays, what was under way is repaired by the next start to its last whole frame, no frame is altered,
// doubled or missing between others. Three hundred times with TAPLINE_PROOF=full (bench/record-faults.sh).
using System.Diagnostics;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Record.Index;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class RecordKillTests : IDisposable
{
    private const int FrameBytes = 700;
    private const double FramesPerSecond = 40_000;
    private const int EarliestKillMs = 100;
    private const int LatestKillMs = 1200;
    private const int AimMicroseconds = 3000;
    private static readonly int s_kills = LabNeeds.Rounds(always: 2, full: int.Parse(
        Environment.GetEnvironmentVariable("TAPLINE_KILLS") ?? "300", System.Globalization.CultureInfo.InvariantCulture));

    private readonly LabFolder _data = new();
    private readonly Dictionary<int, int> _workerOfPair = [];
    private Dictionary<string, SeenSegment> _known = [];
    private int _repaired;
    private int _empty;
    private long _frames;
    private long _tailMost;

    private string Recording => Path.Combine(_data.Path, "recording");

    [Fact]
    public void Killed_at_any_moment_what_was_published_stays_and_the_rest_is_repaired()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump", "ethtool");
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var load = new NumberedLoad(FrameBytes, FramesPerSecond);
        var before = SeenRecording.Read(Recording, load.Frames);
        for (var round = 0; round <= s_kills; round++)
        {
            try
            {
                before = RunOnce(load, random, before, isKilled: round < s_kills);
            }
            catch (Exception problem) when (problem is not TimeoutException)
            {
                throw new InvalidOperationException($"seed {seed}, round {round}: {problem.Message}", problem);
            }
        }

        Assert.Empty(before.Hidden);
        Assert.True(_repaired >= s_kills / 4, $"only {_repaired} segments were under way when killed");
        if (s_kills >= 20)
        {
            Console.WriteLine(
                $"record-faults: {s_kills} kills, seed {seed}: {_frames} frames found and compared, {_repaired} segments repaired, "
                + $"{_empty} without a frame removed; at most {_tailMost} frames ({_tailMost / FramesPerSecond:F2} s) were lost by a kill");
        }
    }

    public void Dispose() => _data.Dispose();

    // Starts the recorder on what the run before left, checks the repair, kills it; what it left then.
    private SeenRecording RunOnce(NumberedLoad load, Random random, SeenRecording before, bool isKilled)
    {
        using var process = load.Start(
            TaplineProgram.Path(), "record", "--from", load.Device, "--data", _data.Path, "--budget", "128M", "--workers", "2", "--json");
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal), () => $"the start: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        CheckRepair(load, before, process);
        var first = load.Sent;
        if (isKilled)
        {
            WaitForMoment(random);
            process.Signal(9);
        }
        else
        {
            LabWait.Until(() => load.Sent > first + FramesPerSecond, "a second of frames");
            process.Signal(15);
        }

        process.WaitForExit();
        var sent = load.Sent;
        var seen = SeenRecording.Read(Recording, load.Frames, _known);
        var run = seen.Published.Concat(seen.Hidden).Where(s => !_known.ContainsKey(s.Name)).ToList();
        Assert.Empty(SeenRecording.Mistakes(run, load.Frames, _workerOfPair));
        Assert.All(seen.Published, s => Assert.True(s.IsWhole, s.Name));
        _frames += run.Sum(s => s.Numbers.Count);
        if (run.SelectMany(s => s.Numbers).DefaultIfEmpty(-1).Max() is >= 0 and var last)
        {
            _tailMost = Math.Max(_tailMost, sent - 1 - last);
        }

        _known = seen.Published.ToDictionary(s => s.Name);
        return seen;
    }

    // Every published segment is there, but for the oldest, which the budget may have taken; every hidden one with frames is published.
    private void CheckRepair(NumberedLoad load, SeenRecording before, LabProcess process)
    {
        var now = SeenRecording.NamesIn(Recording).Where(n => n[0] != '.').ToHashSet();
        var oldest = before.Published.Find(s => now.Contains(s.Name))?.Name ?? "";
        Assert.All(before.Published, s => Assert.True(
            now.Contains(s.Name) || string.CompareOrdinal(s.Name, oldest) < 0, $"{s.Name} was published and is gone"));
        foreach (var hidden in before.Hidden)
        {
            if (hidden.Numbers.Count == 0)
            {
                _empty++;
                continue;
            }

            var name = hidden.Name[1..];
            name = now.Contains(name) ? name : name.Replace(".pcapng", ".recovered.pcapng", StringComparison.Ordinal);
            Assert.True(now.Contains(name), $"{hidden.Name} with {hidden.Numbers.Count} frames was not published");
            var repaired = SeenSegment.Read(Path.Combine(Recording, name), load.Frames);
            Assert.True(repaired.IsWhole, name);
            Assert.Equal(hidden.Numbers, repaired.Numbers);
            Assert.Equal((0, repaired.Numbers.Count), (repaired.Strange, repaired.Counted));
            _known[name] = repaired;
            _repaired++;
        }

        if (before.Hidden.Count > 0)
        {
            LabWait.Until(
                () => process.Error.Contains("that a crash or power cut left", StringComparison.Ordinal),
                () => $"the repair to be told: {process.Error}");
        }
    }

    private void WaitForMoment(Random random)
    {
        var delayMs = random.Next(EarliestKillMs, LatestKillMs);
        if (random.Next(2) == 0)
        {
            Thread.Sleep(delayMs);
            return;
        }

        // Aimed: the next time anything happens in the folder, and a little later.
        using var watcher = new FileSystemWatcher(Recording);
        using var happened = new ManualResetEventSlim();
        Thread.Sleep(delayMs / 2);
        watcher.Created += (_, _) => happened.Set();
        watcher.Renamed += (_, _) => happened.Set();
        watcher.Deleted += (_, _) => happened.Set();
        watcher.EnableRaisingEvents = true;
        happened.Wait(LatestKillMs);
        var aim = Stopwatch.StartNew();
        var offset = TimeSpan.FromMicroseconds(random.Next(AimMicroseconds));
        while (aim.Elapsed < offset)
        {
            Thread.SpinWait(20);
        }
    }
}
