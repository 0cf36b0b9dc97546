// The power is cut at random instants while two workers record onto a real ext4: whatever the journal had then, the next start makes a
// recording of it in which every file is whole and no frame is altered, doubled or missing between others. Forty instants with
// TAPLINE_PROOF=full (bench/record-faults.sh).
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class PowerCutTests
{
    private const int FrameBytes = 700;
    private const double FramesPerSecond = 30_000;
    private const int DiskMegabytes = 192;
    private const int CommitMs = 1000;
    private const int PauseMsMax = 900;
    private static readonly int s_cuts = LabNeeds.Rounds(always: 1, full: 40);
    private readonly Dictionary<int, int> _workerOfPair = [];
    private int _whole;
    private int _repaired;
    private long _frames;
    private long _undone;

    [Fact]
    public void After_a_power_cut_everything_that_the_disk_had_is_a_sound_recording()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump", "ethtool");
        CutDisk.Needs();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var load = new NumberedLoad(FrameBytes, FramesPerSecond);
        using var disk = new CutDisk(DiskMegabytes);
        var instants = Record(load, disk, random);
        foreach (var (instant, names) in instants)
        {
            try
            {
                Check(load, disk, instant, names);
            }
            catch (Exception problem) when (problem is not TimeoutException)
            {
                throw new InvalidOperationException($"seed {seed}, {Path.GetFileName(instant)}: {problem.Message}", problem);
            }
        }

        Assert.True(
            _whole > 0 && (_repaired > 0 || s_cuts < 10), $"{_whole} whole and {_repaired} torn segments were found after the cuts");
        if (s_cuts > 10)
        {
            Console.WriteLine(
                $"record-faults: {s_cuts} power cuts, seed {seed}: {_frames} frames found and compared, {_whole} segments were whole, "
                + $"{_repaired} repaired; {_undone} that had been published were under their hidden name again");
        }
    }

    // Instants of a disk that is recorded to, each with the names that were to be seen just before.
    private static List<(string Instant, string[] Names)> Record(NumberedLoad load, CutDisk disk, Random random)
    {
        var recording = Path.Combine(disk.Folder, "recording");
        using var process = Start(load, disk.Folder);
        LabWait.Until(() => SeenRecording.NamesIn(recording).Count(n => n[0] != '.') > 1, "segments");
        var instants = new List<(string, string[])>();
        for (var cut = 0; cut < s_cuts; cut++)
        {
            Thread.Sleep((cut == 0 ? CommitMs : 0) + random.Next(PauseMsMax));
            var names = SeenRecording.NamesIn(recording);
            instants.Add((disk.Keep(cut), names));
        }

        process.Signal(9);
        process.WaitForExit();
        return instants;
    }

    private void Check(NumberedLoad load, CutDisk disk, string instant, string[] names)
    {
        var folder = disk.MountInstant(instant);
        try
        {
            var recording = Path.Combine(folder, "recording");
            var before = SeenRecording.Read(recording, load.Frames);
            Assert.All(before.Published, s => Assert.True(s.IsWhole, $"{s.Name} is visible and not whole"));
            _undone += names.Count(n => n[0] != '.' && !before.Published.Exists(s => s.Name == n));
            using (var process = Start(load, folder, "--from", "lo"))
            {
                process.Stop();
            }

            var after = SeenRecording.Read(recording, load.Frames);
            Assert.Empty(after.Hidden);
            var found = after.Published.Where(s => s.Numbers.Count > 0).ToList();
            Assert.All(found, s => Assert.True(s.IsWhole, s.Name));
            Assert.Empty(SeenRecording.Mistakes(found, load.Frames, _workerOfPair));
            Assert.Equal(
                before.Published.Concat(before.Hidden).Sum(s => s.Numbers.Count), found.Sum(s => s.Numbers.Count));
            _frames += found.Sum(s => s.Numbers.Count);
            _whole += before.Published.Count;
            _repaired += before.Hidden.Count(s => s.Numbers.Count > 0);
        }
        finally
        {
            disk.UnmountLast();
        }
    }

    private static LabProcess Start(NumberedLoad load, string data, params string[] instead)
    {
        string[] from = instead.Length > 0 ? instead : ["--from", load.Device];
        var process = load.Start(
            [TaplineProgram.Path(), "record", .. from, "--data", data, "--budget", "64M", "--workers", "2", "--json"]);
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal), () => $"the start: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }
}
