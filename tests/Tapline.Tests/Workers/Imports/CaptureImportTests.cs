// Captures in a recording: their times, lengths, names and comments stay; order is put right; nothing is imported twice, in part,
// or beyond what there is room for; and whoever reads them finds them beside live segments.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Record.Holds;
using Tapline.Tests.Support;
using Tapline.Workers.Imports;
using Xunit;

namespace Tapline.Tests.Workers.Imports;

public class CaptureImportTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TimesLengthsNamesAndCommentsStay(bool isBigEndian)
    {
        using var fixture = new ImportFixture();
        var bytes = new CaptureBytes(isBigEndian);
        var frame = ImportFixture.Frame(1);
        bytes.Section().Interface(
            1, 96, bytes.Option(2, "eth7"u8.ToArray()), bytes.Option(3, "VM web01 (u1), vm_port"u8.ToArray()), bytes.Option(9, 9));
        byte[] options = [.. bytes.Option(1, "a comment"u8.ToArray()), .. bytes.Option(2, bytes.U32(2)), .. bytes.Option(0)];
        bytes.Block(
            6, bytes.U32(0), bytes.U32(0x17A6_1B2E), bytes.U32(0x1234_5679), bytes.U32((uint)frame.Length), bytes.U32(1500), Pad(frame),
            options);
        var report = fixture.Import(fixture.Capture("a.pcapng", bytes.ToArray()));
        Assert.Equal((1, 1, 1), ((int)report!.Frames, report.Segments, report.Points));
        var found = Assert.Single(fixture.Query("vm web01"));
        Assert.Equal((0x17A6_1B2E_1234_5679, 1500, "eth7"), (found.TimeNs, found.OriginalLength, found.Point));
        Assert.Equal(frame, found.Bytes);
        Assert.Contains("a comment", Encoding.UTF8.GetString(found.Block));
        var at = found.Block.AsSpan().IndexOf((ReadOnlySpan<byte>)[2, 0, 4, 0]);
        Assert.Equal(2u, BinaryPrimitives.ReadUInt32LittleEndian(found.Block.AsSpan(at + 4))); // outbound
    }

    [Fact]
    public void AFrameOfWhichNothingIsSaidGetsNoOptions()
    {
        using var fixture = new ImportFixture();
        _ = fixture.Import(fixture.Seconds("a.pcap", 1_000));
        var found = Assert.Single(fixture.Query(""));
        Assert.Equal(PcapngWriter.PacketHeaderBytes + PcapngWriter.Pad(found.Bytes.Length) + 4, found.Block.Length);
        Assert.Equal("a.pcap", found.Point);
    }

    [Fact]
    public void OptionsThatContradictThemselvesAreLeftOut()
    {
        var options = new PacketOptions();
        Assert.Empty(options.Take([1, 0, 255, 255, 65], isBigEndian: false, withoutFcs: false).ToArray());
        Assert.Empty(options.Take([2, 0, 2, 0, 1, 1, 0, 0], isBigEndian: false, withoutFcs: false).ToArray()); // flags of two bytes
        Assert.Equal([2, 0, 4, 0, 1, 0, 0, 0], options.Take([2, 0, 4, 0, 0x81, 0, 0, 0], isBigEndian: false, withoutFcs: true).ToArray());
    }

    [Fact]
    public void CapturesThatOverlapAreMergedByTime()
    {
        using var fixture = new ImportFixture();
        var b = fixture.Seconds("b.pcap", 102, 104, 106);
        var report = fixture.Import(b, fixture.Seconds("c.pcap", 107, 108), fixture.Seconds("a.pcap", 101, 103, 105, 109));
        Assert.Equal((9, 0), ((int)report!.Frames, (int)report.TimeSteps));
        Assert.Equal([101, 102, 103, 104, 105, 106, 107, 108, 109], fixture.Times());
        Assert.Equal(1, report.Segments);
        Assert.Equal("b", report.Name);
    }

    [Fact]
    public void ACaptureOutOfOrderIsPutInOrderAndTold()
    {
        using var fixture = new ImportFixture();
        var report = fixture.Import(fixture.Seconds("a.pcap", 110, 103, 101, 120, 102))!;
        Assert.Equal([101, 102, 103, 110, 120], fixture.Times());
        Assert.Equal((3, 0), ((int)report.Captures[0].OutOfOrder, (int)report.TimeSteps));
    }

    [Fact]
    public void WhatDoesNotFitTheMemoryForSortingLiesInSegmentsOfItsOwn()
    {
        var taker = new Taker();
        var sorter = new ImportSorter(taker, 1000); // a handful of frames
        long[] times = [.. Enumerable.Range(0, 40).Select(i => (long)i + 100), .. Enumerable.Range(0, 40).Select(i => (long)i)];
        foreach (var time in times)
        {
            sorter.Put(new FrameMeta { TimestampNs = time }, new byte[60], []);
        }

        sorter.End();
        Assert.Equal(times, taker.Times);
        Assert.Equal(1, taker.Runs);
    }

    [Fact]
    public void BetweenCapturesThatLieApartAHoleIsStated()
    {
        using var fixture = new ImportFixture();
        _ = fixture.Import(fixture.Seconds("a.pcap", 1_000, 1_010), fixture.Seconds("b.pcap", 5_000, 5_030));
        var found = fixture.Query("", null, out var report);
        Assert.Equal(4, found.Count);
        var hole = Assert.Single(report.Plan.Holes);
        Assert.Contains("The import a has no segment between 1970-01-01T00:16:50", hole);
        Assert.Single(fixture.Query("", o => o with { SinceNs = 5_010 * Clock.SecondNs }));
    }

    [Fact]
    public void TheSameBytesAreRefusedUnlessAskedForAgain()
    {
        using var fixture = new ImportFixture();
        var a = fixture.Seconds("a.pcap", 1_000);
        _ = fixture.Import(a);
        Assert.Null(fixture.Import(fixture.Seconds("copy.pcap", 1_000)));
        Assert.Contains("was imported before, as a; leave it out, or give --again", fixture.Error);
        Assert.Single(fixture.Query(""));
        var again = fixture.Import(o => o with { TakesAgain = true }, a);
        Assert.Equal("a-2", again!.Name);
        Assert.Equal(2, fixture.Query("").Count);
        Assert.Null(fixture.Import(fixture.Seconds("x.pcap", 5), fixture.Seconds("y.pcap", 5)));
        Assert.Contains("is the same as", fixture.Error);
    }

    [Fact]
    public void OfADamagedCaptureWhatCanBeReadIsImportedAndTheRestNamed()
    {
        using var fixture = new ImportFixture();
        var whole = File.ReadAllBytes(fixture.Seconds("a.pcap", 1_000, 1_001, 1_002));
        var report = fixture.Import(fixture.Capture("cut.pcap", whole[..^3]), fixture.Capture("text.pcap", "no capture"u8.ToArray()));
        Assert.Equal(2, report!.Frames);
        var cut = Assert.Single(fixture.Notes, n => n.Contains("is cut short", StringComparison.Ordinal));
        Assert.Contains("The 2 frames before that are imported", cut);
        Assert.Contains(fixture.Notes, n => n.Contains("text.pcap is text, not a capture", StringComparison.Ordinal));
        Assert.All(report.Captures, c => Assert.NotNull(c.Fault));
        Assert.Null(fixture.Import(fixture.Folder["text.pcap"]));
        Assert.Equal("No capture could be read; nothing was imported.", fixture.Error);
    }

    [Fact]
    public void AnInterruptedImportLeavesNothingToSeeAndIsRemovedByTheNext()
    {
        using var fixture = new ImportFixture();
        var leftover = Path.Combine(ImportShelf.PathOf(fixture.Recording), ".a");
        using (var folder = SegmentFolder.TryOpen(leftover, 1 << 30, out _)!)
        {
            using var recorder = new SegmentRecorder(folder, new RecorderOptions { Worker = 0 });
            _ = recorder.Append(new FrameMeta { TimestampNs = 5, LinkType = LinkType.Ethernet }, ImportFixture.Frame(1));
            recorder.Close(6);
            Assert.Empty(fixture.Query(""));

            // While that one runs it stays.
            Assert.NotNull(fixture.Import(fixture.Seconds("b.pcap", 1_000)));
            Assert.True(Directory.Exists(leftover));
        }

        Assert.NotNull(fixture.Import(fixture.Seconds("a.pcap", 2_000)));
        Assert.Contains(fixture.Notes, n => n.StartsWith("The import a had been interrupted", StringComparison.Ordinal));
        Assert.False(Directory.Exists(leftover));
        Assert.Equal([1_000, 2_000], fixture.Times());
    }

    [Fact]
    public void AnEngineThatStartsRemovesWhatInterruptedImportsLeftAndPublishesWhatIsWhole()
    {
        using var fixture = new ImportFixture();
        var shelf = ImportShelf.PathOf(fixture.Recording);
        Assert.NotNull(fixture.Import(fixture.Seconds("whole.pcap", 1_000)));
        Directory.Move(Path.Combine(shelf, "whole"), Path.Combine(shelf, ".whole"));
        Directory.CreateDirectory(Path.Combine(shelf, ".half"));
        Assert.Empty(fixture.Times());
        var said = new System.Collections.Concurrent.ConcurrentBag<string>();
        using (ImportExpiry.Start(fixture.Recording, said.Add))
        {
            Assert.True(SpinWait.SpinUntil(() => said.Count == 2, 30_000));
        }

        Assert.Contains(said, s => s.StartsWith("The import half had been interrupted; what it left", StringComparison.Ordinal));
        Assert.Contains(said, s => s.StartsWith("The import whole had been interrupted when it was whole", StringComparison.Ordinal));
        Assert.Equal([1_000], fixture.Times());
        Assert.Empty(Directory.GetDirectories(shelf, ".*"));
    }

    [Fact]
    public void WhatIsStoppedIsNotImported()
    {
        using var fixture = new ImportFixture();
        var file = fixture.Seconds("a.pcap", 1_000);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var options = new ImportOptions { Files = [file], Recording = fixture.Recording };
        Assert.Null(CaptureImport.Run(options, null, stop.Token, out _, out var error));
        Assert.Equal("Stopped; nothing was imported.", error);
        Assert.Empty(Directory.GetDirectories(fixture.Folder.Path, "a", SearchOption.AllDirectories));
    }

    [Fact]
    public void BeyondTheBudgetNothingIsWritten()
    {
        using var fixture = new ImportFixture();
        var many = TraceMaker.File(TraceMaker.Frames(1, 2_000));
        Assert.Null(fixture.Import(o => o with { BudgetBytes = 100_000 }, fixture.Capture("a.pcap", many)));
        Assert.Contains("nothing was imported. Raise --budget", fixture.Error);
        Assert.Empty(Directory.GetDirectories(ImportShelf.PathOf(fixture.Recording)));
        Assert.NotNull(fixture.Import(o => o with { BudgetBytes = 2_000_000 }, fixture.Folder["a.pcap"]));
    }

    [Fact]
    public void AFilterChoosesByMachineOfTheInterfaceAndBytes()
    {
        using var fixture = new ImportFixture();
        var file = fixture.Seconds("a.pcap", 1_001, 1_002, 1_003);
        var filter = CompiledFilter.Compile("udp port 1235 or point nowhere", LinkType.Ethernet, out var mistake);
        Assert.True(filter is not null, mistake);
        var report = fixture.Import(o => o with { Filter = filter, FilterText = "udp port 1235" }, file)!; // 1,003 % 256 + 1,000
        Assert.Equal((1, 2), ((int)report.Frames, (int)report.Filtered));
        Assert.Equal([1_003], fixture.Times());
    }

    [Fact]
    public void NamesAreCheckedAndTakenOnce()
    {
        using var fixture = new ImportFixture();
        var file = fixture.Seconds("a.pcap", 1_000);
        foreach (var name in (string[])["", ".x", "a/b", "..", "x y", new string('a', 65)])
        {
            Assert.False(ImportShelf.IsName(name));
            Assert.Null(fixture.Import(o => o with { Name = name }, file));
        }

        Assert.NotNull(fixture.Import(o => o with { Name = "case-1" }, file));
        Assert.Null(fixture.Import(o => o with { Name = "case-1" }, fixture.Seconds("b.pcap", 2_000)));
        Assert.Contains("There is an import case-1", fixture.Error);
    }

    [Fact]
    public void AnImportGoesWhenItsTimeIsOverUnlessAHoldKeepsIt()
    {
        using var fixture = new ImportFixture();
        var report = fixture.Import(o => o with { KeepNs = 60 * Clock.SecondNs }, fixture.Seconds("a.pcap", 1_000))!;
        _ = fixture.Import(fixture.Seconds("b.pcap", 2_000));
        var later = report.MadeNs + (61 * Clock.SecondNs);
        Assert.Empty(ImportShelf.RemoveExpired(fixture.Recording, later - (2 * Clock.SecondNs)));
        var hold = new Hold { Id = 0, SinceNs = 0, UntilNs = 1_001 * Clock.SecondNs, By = "me", Why = "case", AddedNs = 1 };
        var held = HoldFile.TryAdd(fixture.Recording, hold, out var error);
        Assert.True(held is not null, error);
        Assert.Empty(ImportShelf.RemoveExpired(fixture.Recording, later));
        Assert.Null(HoldFile.TryRemove(fixture.Recording, held.Id));
        Assert.Single(ImportShelf.RemoveExpired(fixture.Recording, later));
        Assert.Equal([2_000], fixture.Times());
    }

    [Fact]
    public void LiveSegmentsAndImportsAreOneRecording()
    {
        using var fixture = new ImportFixture();
        using (var folder = SegmentFolder.TryOpen(fixture.Recording, 1 << 30, out _)!)
        {
            using var recorder = new SegmentRecorder(folder, new RecorderOptions { Worker = 0 });
            var frame = ImportFixture.Frame(9);
            var meta = new FrameMeta
            {
                TimestampNs = 1_005 * Clock.SecondNs, CapturedLength = frame.Length, OriginalLength = frame.Length,
                LinkType = LinkType.Ethernet,
            };
            Assert.Equal(AppendResult.Recorded, recorder.Append(meta, frame));
            Assert.NotNull(fixture.Import(fixture.Seconds("a.pcap", 1_000, 1_010)));
            recorder.Close(1_006 * Clock.SecondNs);
            Assert.Equal(1, folder.Segments);
        }

        Assert.Equal([1_000, 1_005, 1_010], fixture.Times());
    }

    [Fact]
    public void AnImportIsSealedAsWhatItIs()
    {
        using var fixture = new ImportFixture();
        using var key = NodeKey.TryOpenOrMake(fixture.Folder["node.key"], out _)!;
        Assert.NotNull(fixture.Import(
            o => o with { Evidence = new EvidenceOptions(key) { IsImport = true } }, fixture.Seconds("a.pcap", 1_000, 9_000)));
        Assert.Empty(fixture.Notes);
        using var keys = PublicKeys.TryRead(fixture.Folder["node.pub"], out _)!;
        var options = new VerifyOptions { Folder = fixture.Recording, Keys = keys };
        var report = RecordingVerifier.Run(options, out _, null, default)!;
        Assert.True(report.IsIntact);
        Assert.Equal((2, 2), (report.Segments, report.Imported));
        Assert.Equal("imported/a", Assert.Single(report.Chains).Folder);

        // One that was made without a key says what that means.
        Assert.NotNull(fixture.Import(fixture.Seconds("b.pcap", 1_000)));
        report = RecordingVerifier.Run(options, out _, null, default)!;
        Assert.Contains("imported without the node's key", Assert.Single(report.Findings).Sentence);
        var segment = Directory.GetFiles(Path.Combine(ImportShelf.PathOf(fixture.Recording), "a"), "*.pcapng")[0];
        var bytes = File.ReadAllBytes(segment);
        bytes[^20] ^= 1;
        File.WriteAllBytes(segment, bytes);
        report = RecordingVerifier.Run(options, out _, null, default)!;
        Assert.Contains(report.Findings, f => f is { Kind: FindingKind.Altered } && f.File == "imported/a/" + Path.GetFileName(segment));
    }

    [Fact]
    public void ABrokenAccountHidesNoPackets()
    {
        using var fixture = new ImportFixture();
        _ = fixture.Import(fixture.Seconds("a.pcap", 1_000));
        var account = Path.Combine(ImportShelf.PathOf(fixture.Recording), "a", ImportAccount.FileName);
        foreach (var text in (string[])["", "[]", "{", "{\"captures\":7}", "{\"captures\":[1,{\"sha256\":1}],\"keep_ns\":\"x\"}"])
        {
            File.WriteAllText(account, text);
            _ = ImportShelf.List(fixture.Recording);
            Assert.Empty(ImportShelf.RemoveExpired(fixture.Recording, long.MaxValue));
            Assert.Single(fixture.Query(""));
        }
    }

    private static byte[] Pad(byte[] bytes)
    {
        Array.Resize(ref bytes, PcapngWriter.Pad(bytes.Length));
        return bytes;
    }

    private sealed class Taker : IImportTaker
    {
        public List<long> Times { get; } = [];

        public int Runs { get; private set; }

        public void BeginRun() => Runs++;

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> options) => Times.Add(meta.TimestampNs);
    }
}
