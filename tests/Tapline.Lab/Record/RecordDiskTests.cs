// The recorder's disk dies, is taken away and put back, becomes slow, is asked for by a second recorder: the real program on real file
// systems. Each frame that arrived is recorded or counted as dropped, what was published stays, and recording goes on by itself.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class RecordDiskTests
{
    private const int FrameBytes = 1400;
    private const double FramesPerSecond = 15_000;
    private const int DiskMegabytes = 200;

    // Takes what waits in memory while the disk is gone, besides what was published before.
    private const string OfAnOutage = "160M";
    private const string Throttles = "/sys/fs/cgroup/blkio";

    [Fact]
    public void A_disk_that_dies_and_comes_back_costs_what_is_counted_and_nothing_that_was_published()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump", "ethtool");
        LoopDisk.Needs();
        using var load = new NumberedLoad(FrameBytes, FramesPerSecond);
        using var disk = new LoopDisk(DiskMegabytes);
        var recording = Path.Combine(disk.Folder, "data", "recording");
        using var process = Start(load, Path.Combine(disk.Folder, "data"), OfAnOutage);
        LabWait.Until(() => Published(recording).Length >= 2, "segments");
        var before = Published(recording);
        using (var second = load.Start(Command(load, Path.Combine(disk.Folder, "data"), OfAnOutage)))
        {
            Assert.NotEqual(0, second.WaitForExit());
            Assert.Contains("Another Tapline process", second.Error);
        }

        disk.Break();
        var broken = load.Sent;
        LabWait.Until(() => load.Sent > broken + FramesPerSecond, "a second without a disk");
        disk.TakeAway(process.Id);
        LabWait.Until(
            () => process.Error.Contains("unmounted?", StringComparison.Ordinal),
            () => $"the loss of the disk to be told: {process.Error}");
        Assert.Empty(Directory.GetFileSystemEntries(disk.Folder)); // nothing on the disk below
        disk.PutBack(process.Id);
        LabWait.Until(() => Published(recording).Except(before).Count() >= 3, "segments on the disk that was put back");
        var ledger = Stop(process);

        var seen = SeenRecording.Read(recording, load.Frames);
        Assert.Empty(seen.Hidden.Where(s => s.Numbers.Exists(n => n > broken + (2 * FramesPerSecond))));
        Assert.All(before, name => Assert.Contains(seen.Published, s => s.Name == name));
        Assert.All(seen.Published, s => Assert.True(s is { IsWhole: true, Strange: 0 }, s.Name));
        Assert.Equal(Sum(ledger, "captured"), Sum(ledger, "recorded") + Sum(ledger, "dropped_recorder"));
        Assert.Equal(0, Sum(ledger, "dropped_ring"));

        // What the program counts as recorded is there: in segments, or in those that the dying disk kept it from publishing.
        var there = seen.Published.Concat(seen.Hidden).Sum(s => s.Numbers.Count);
        Assert.InRange(there, Sum(ledger, "recorded"), Sum(ledger, "captured"));
    }

    [Fact]
    public void A_disk_that_is_too_slow_costs_what_is_counted_and_no_more_when_it_is_fast_again()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump", "ethtool");
        LoopDisk.Needs();
        if (!File.Exists(Path.Combine(Throttles, "blkio.throttle.write_bps_device")))
        {
            Assert.Skip("needs the blkio controller of cgroup v1: the machine has none");
        }

        using var load = new NumberedLoad(FrameBytes, FramesPerSecond);
        using var disk = new LoopDisk(DiskMegabytes);
        var group = Path.Combine(Throttles, LabNames.Next("slow"));
        using var process = Start(load, disk.Folder);
        Directory.CreateDirectory(group);
        try
        {
            var throttle = Path.Combine(group, "blkio.throttle.write_bps_device");
            File.WriteAllText(throttle, $"{disk.Device} {2 << 20}");
            File.WriteAllText(Path.Combine(group, "cgroup.procs"), $"{process.Id}");
            var slow = load.Sent;
            var before = Published(Path.Combine(disk.Folder, "recording"));
            LabWait.Until(() => load.Sent > slow + (5 * FramesPerSecond), "seconds on a slow disk");
            File.WriteAllText(throttle, $"{disk.Device} 0");
            var names = Published(Path.Combine(disk.Folder, "recording"));
            var published = names.LastOrDefault() ?? "";

            // Of 25 segments that were sent meanwhile the disk took a few; the others waited in memory.
            Assert.InRange(names.Except(before).Count(), 0, 12);
            LabWait.Until(
                () => Published(Path.Combine(disk.Folder, "recording")).Count(n => string.CompareOrdinal(n, published) > 0) > 3,
                "segments on the fast disk");
            var ledger = Stop(process);
            Assert.Equal(Sum(ledger, "captured"), Sum(ledger, "recorded") + Sum(ledger, "dropped_recorder"));
            Assert.Equal(0, Sum(ledger, "dropped_ring"));
            var seen = SeenRecording.Read(Path.Combine(disk.Folder, "recording"), load.Frames);
            Assert.Empty(seen.Hidden);
            Assert.All(seen.Published, s => Assert.True(s is { IsWhole: true, Strange: 0 }, s.Name));
            Assert.Empty(SeenRecording.Mistakes(seen.Published, load.Frames, []));
        }
        finally
        {
            process.Dispose();
            Directory.Delete(group);
        }
    }

    private static string[] Command(NumberedLoad load, string data, string budget) =>
        [TaplineProgram.Path(), "record", "--from", load.Device, "--data", data, "--budget", budget, "--workers", "2", "--json"];

    private static LabProcess Start(NumberedLoad load, string data, string budget = "64M")
    {
        var process = load.Start(Command(load, data, budget));
        LabWait.Until(
            () => process.HasExited || process.Error.Contains("Recording", StringComparison.Ordinal), () => $"the start: {process.Error}");
        Assert.False(process.HasExited, process.Error);
        return process;
    }

    private static string[] Published(string recording) => [.. SeenRecording.NamesIn(recording).Where(n => n[0] != '.')];

    private static JsonElement Stop(LabProcess process)
    {
        process.Signal(15);
        process.WaitForExit();
        return JsonDocument.Parse(process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
    }

    private static long Sum(JsonElement ledger, string field) =>
        ledger.GetProperty("points").EnumerateArray().Sum(p => p.GetProperty(field).GetInt64());
}
