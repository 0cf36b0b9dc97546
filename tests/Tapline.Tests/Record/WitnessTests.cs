// Wireshark's own tools as the witness: they open a segment without complaint and see the same frames, to the nanosecond.
using System.Diagnostics;
using System.Globalization;
using CsCheck;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public class WitnessTests
{
    [Fact]
    public void TsharkSeesTheSameFrames()
    {
        using var fixture = Recorded();
        var segment = Assert.Single(fixture.Segments);
        var output = Run(
            "tshark", "-r", segment, "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.interface_name", "-e", "frame.len",
            "-e", "frame.cap_len");
        var expected = fixture.Taken.Select(f => string.Create(
            CultureInfo.InvariantCulture,
            $"{f.TimestampNs / 1_000_000_000}.{f.TimestampNs % 1_000_000_000:D9}\t{f.Interface}\t{f.OriginalLength}\t{f.Bytes.Length}"));
        Assert.Equal(expected, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void CapinfosReadsInterfacesAndStatistics()
    {
        using var fixture = Recorded();
        var output = Run("capinfos", Assert.Single(fixture.Segments));
        Assert.Contains("Number of packets:   50", output);
        Assert.Contains("Number of interfaces in file: 2", output);
        Assert.Contains("Name = vnet1", output);
        Assert.Contains("Description = VM web01 (uuid-1), vm_port on br0", output);
        Assert.Contains("Speed = 10000000000", output);
        Assert.Contains("Filter string = tcp port 80", output);
        Assert.Contains("Number of stat entries = 1", output);
        Assert.Contains("Capture application: Tapline", output);
    }

    [Fact]
    public void TcpdumpReadsARecoveredSegment()
    {
        using var fixture = Recorded();
        using var crashed = new TemporaryFolder();
        var bytes = File.ReadAllBytes(Assert.Single(fixture.Segments));
        File.WriteAllBytes(crashed[".20231114T221320.123456790Z-2.pcapng"], bytes[..(bytes.Length / 2)]);
        using var folder = SegmentFolder.TryOpen(crashed.Path, 1 << 30, out _);
        var recovered = crashed[crashed.Names.Single(n => n.EndsWith(".recovered.pcapng", StringComparison.Ordinal))];
        var lines = Run("tcpdump", "-n", "-r", recovered).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var seen = lines.Count(l => l[0] != '\t'); // bytes of unknown protocols follow on lines of their own
        Assert.Equal(SegmentFile.Frames(recovered).Count, seen);
        Assert.InRange(seen, 10, 49);
    }

    [Fact]
    public void WhatOffloadsLeftUndoneComesBack()
    {
        using var fixture = new RecorderFixture();
        var meta = new FrameMeta
        {
            TimestampNs = RecorderFixture.Start,
            CapturedLength = 100,
            OriginalLength = 100,
            PointId = 1,
            LinkType = LinkType.Ethernet,
            Flags = FrameFlags.ChecksumPartial | FrameFlags.VlanRestored,
            GsoType = GsoType.Tcpv6 | GsoType.Ecn,
            GsoSize = 1428,
            GsoHeaderLength = 86,
            ChecksumStart = 54,
            ChecksumOffset = 16,
        };
        Assert.Equal(AppendResult.Recorded, fixture.Recorder.Append(meta, new byte[100]));
        Assert.Equal(AppendResult.Recorded, fixture.Append(60));
        fixture.Recorder.Close(0);
        using var source = CaptureFileSource.Open(Assert.Single(fixture.Segments), 0, out var error);
        Assert.True(source is not null, error);
        var batch = new FrameBatch();
        Assert.Equal(LeaseResult.Frames, source.Lease(batch, 1000));
        var read = batch.Meta(0);
        Assert.Equal((meta.GsoType, meta.GsoSize, meta.GsoHeaderLength), (read.GsoType, read.GsoSize, read.GsoHeaderLength));
        Assert.Equal((meta.ChecksumStart, meta.ChecksumOffset, meta.Flags), (read.ChecksumStart, read.ChecksumOffset, read.Flags));
        Assert.Equal((GsoType.None, FrameFlags.None), (batch.Meta(1).GsoType, batch.Meta(1).Flags));
        source.Release(batch);
    }

    [Fact]
    public void AnyBytesAsOptionsAreHarmless() => Gen.Byte.Array[0, 64].Sample(bytes =>
    {
        var meta = default(FrameMeta);
        if (!FrameFacts.TryRead(bytes, ref meta))
        {
            Assert.Equal(0, meta.GsoSize);
        }
    });

    private static RecorderFixture Recorded()
    {
        var fixture = new RecorderFixture(filter: "tcp port 80");
        for (var index = 0; index < 50; index++)
        {
            var flags = index % 7 == 0 ? FrameFlags.ChecksumPartial : FrameFlags.None;
            Assert.Equal(AppendResult.Recorded, fixture.Append(14 + (index * 31), (ushort)(1 + (index % 2)), flags));
        }

        fixture.Recorder.Close(RecorderFixture.Start + RecorderFixture.Second);
        return fixture;
    }

    private static string Run(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C";
        try
        {
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{tool}: {errors.Result}");
            Assert.DoesNotContain("cut short", errors.Result);
            Assert.DoesNotContain("damaged", errors.Result);
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{tool} is not installed; it is the witness of this test.");
            return "";
        }
    }
}
