// The offline path on files of our own: the same answer for any number of threads, faults with their place, several
// files as one analysis, filters, pipes and compression.
using System.IO.Compression;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Tests.Support;
using Tapline.Workers.Offline;
using Xunit;

namespace Tapline.Tests.Workers;

public class OfflineAnalysisTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ManyThreadsGiveTheSameBytesAsOne(int seed)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["a.pcap"], TraceMaker.File(TraceMaker.Frames(seed, 30_000)));
        File.WriteAllBytes(folder["b.pcap"], TraceMaker.File(TraceMaker.Frames(seed + 100, 7), bigEndian: true));
        string[] files = [folder["a.pcap"], folder["b.pcap"], folder["a.pcap"]];
        var one = ReadAnswer.Of(files, 1);
        Assert.Contains("\"frames\":60007", one.Summary);
        Assert.Contains("icmp_errors", one.Flows);
        foreach (var workers in (int[])[2, 4, 7])
        {
            one.AssertSame(ReadAnswer.Of(files, workers));
        }
    }

    [Fact]
    public void AFileCutAnywhereGivesAllFramesBeforeTheCutAndItsPlace()
    {
        using var folder = new TemporaryFolder();
        var frames = TraceMaker.Frames(5, 6);
        var whole = TraceMaker.File(frames);
        var path = folder["cut.pcap"];
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            var expected = FramesWithin(frames, length, out var isAtBoundary);
            foreach (var workers in (int[])[1, 2])
            {
                using var result = OfflineAnalysis.Run(new OfflineOptions { Files = [path], Workers = workers });
                Assert.Equal(expected, result.Tally.Frames);
                Assert.Equal(isAtBoundary ? 0 : 1, result.Faults.Count);
                if (!isAtBoundary && length > 4)
                {
                    Assert.Contains("byte", result.Faults[0], StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void ACorruptFileDoesNotHideTheOnesAfterIt()
    {
        using var folder = new TemporaryFolder();
        var good = TraceMaker.File(TraceMaker.Frames(1, 20));
        File.WriteAllBytes(folder["good.pcap"], good);
        File.WriteAllBytes(folder["cut.pcap"], good[..^5]);
        File.WriteAllBytes(folder["text.pcap"], "this is no capture"u8.ToArray());
        using var result = OfflineAnalysis.Run(new OfflineOptions
        {
            Files = [folder["cut.pcap"], folder["missing"], folder["text.pcap"], folder.Path, folder["good.pcap"]],
        });
        Assert.Equal(19 + 20, result.Tally.Frames);
        Assert.Equal(4, result.Faults.Count);
        Assert.Equal(2, result.Files);
        Assert.All(result.Faults, f => Assert.EndsWith(".", f, StringComparison.Ordinal));
    }

    [Fact]
    public void CompressedFilesAndPlainOnesGiveTheSame()
    {
        using var folder = new TemporaryFolder();
        var bytes = TraceMaker.File(TraceMaker.Frames(9, 3000));
        File.WriteAllBytes(folder["t"], bytes);
        var plain = ReadAnswer.Of([folder["t"]], 1);
        using (var packed = new GZipStream(File.Create(folder["z"]), CompressionLevel.Fastest))
        {
            packed.Write(bytes);
        }

        File.Move(folder["z"], folder["t"], overwrite: true);
        plain.AssertSame(ReadAnswer.Of([folder["t"]], 2));
    }

    [Fact]
    public void FilteredFramesAreCountedAndNotAnalysed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t"], TraceMaker.File(TraceMaker.Frames(2, 5000)));
        var filter = CompiledFilter.Compile("udp or (vlan and udp)", LinkType.Ethernet, out var error);
        Assert.SkipWhen(filter is null, error ?? "");
        using var all = OfflineAnalysis.Run(new OfflineOptions { Files = [folder["t"]] });
        using var some = OfflineAnalysis.Run(new OfflineOptions { Files = [folder["t"]], Filter = filter, Workers = 2 });
        Assert.Equal(all.Tally.Frames, some.Tally.Frames + some.Tally.Filtered);
        Assert.Equal(all.Tally.Protocols[17], some.Tally.Protocols[17]);
        Assert.Equal(0, some.Tally.Protocols[6]);
    }

    [Fact]
    public void TheLedgerHasARowForEachSecondAndItBalances()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["t"], TraceMaker.File(TraceMaker.Frames(3, 4500)));
        using var result = OfflineAnalysis.Run(new OfflineOptions { Files = [folder["t"]], KeepLedger = true, Workers = 2 });
        var rows = LedgerJson.Rows(result);
        Assert.Equal([1000, 1000, 1000, 1000, 500], rows.Select(r => r.Counts.Captured));
        Assert.Equal(result.Tally.Bytes, rows.Sum(r => r.Counts.CapturedBytes));
        Assert.Equal(1_700_000_000L * Clock.SecondNs, rows[0].Key.SecondNs);
    }

    [Fact]
    public void AFloodOfConversationsEndsWithBoundedMemoryAndACounter()
    {
        using var folder = new TemporaryFolder();
        var frames = new List<byte[]>();
        for (var i = 0; i < 5000; i++)
        {
            frames.Add(new FrameBuilder().Ethernet().Ipv4($"10.1.{i >> 8}.{i & 255}", "10.0.0.1").Tcp(1000, 80, TcpFlag.Syn).Build());
        }

        File.WriteAllBytes(folder["t"], TraceMaker.File(frames));
        using var result = OfflineAnalysis.Run(new OfflineOptions { Files = [folder["t"]], FlowCapacity = 1024 });
        Assert.Equal(5000, result.Flows.Flows);
        Assert.True(result.FlowCounters.Evicted >= 5000 - 1024);
    }

    private static int FramesWithin(List<byte[]> frames, int length, out bool isAtBoundary)
    {
        var end = 24;
        isAtBoundary = length == end;
        for (var i = 0; i < frames.Count; i++)
        {
            end += 16 + frames[i].Length;
            if (length < end)
            {
                return i;
            }

            isAtBoundary = length == end;
        }

        return frames.Count;
    }
}
