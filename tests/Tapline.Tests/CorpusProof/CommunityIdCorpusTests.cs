// Community IDs of real flows against tshark's own, frame by frame. Needs tshark; skips without.
using System.ComponentModel;
using System.Diagnostics;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Flows;
using Xunit;

namespace Tapline.Tests.CorpusProof;

public class CommunityIdCorpusTests
{
    [Theory]
    [InlineData("flows/communityid-tcp.pcap")]
    [InlineData("flows/communityid-sctp.pcap")]
    [InlineData("flows/icmp-destunreach-udp.pcap")]
    [InlineData("flows/many-protocols.pcap")]
    [InlineData("flows/nmap_standard_scan.pcap")]
    [InlineData("infra/dhcpv6.pcap")]
    public void IdsEqualTshark(string file)
    {
        var path = Path.Combine(Support.Corpus.Root(), file);
        var theirs = RunTshark(path);
        using var source = CaptureFileSource.Open(path, 0, out var error);
        Assert.True(source is not null, error);
        using var table = new FlowTable<RecordList>(FlowTableOptions.Offline with { Capacity = 4096 }, new RecordList());
        var batch = new FrameBatch();
        var compared = 0;
        while (source.Lease(batch, 1000) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                var meta = batch.Meta(i);
                FrameDecoder.Decode(batch.Bytes(i), meta, out var layout);
                var slot = table.Observe(meta, layout, batch.Bytes(i));
                const LayoutFlags others = LayoutFlags.IsFragment | LayoutFlags.Tunnelled;
                if (slot < 0 || (layout.Flags & others) != 0 || !theirs.TryGetValue(meta.FrameNumber, out var expected))
                {
                    continue;
                }

                table.CopyRecord(slot, out var record);
                Assert.Equal(expected, CommunityId.ToText(record));
                compared++;
            }

            source.Release(batch);
        }

        Assert.True(compared > 0);
    }

    private static Dictionary<long, string> RunTshark(string path)
    {
        string[] arguments =
        [
            "-n", "-r", path, "--enable-protocol", "communityid", "-T", "fields", "-e", "frame.number", "-e", "communityid",
        ];
        try
        {
            var info = new ProcessStartInfo("tshark", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(info)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))
                .Where(cells => cells.Length == 2 && cells[1].StartsWith("1:", StringComparison.Ordinal))
                .ToDictionary(
                    cells => long.Parse(cells[0], System.Globalization.CultureInfo.InvariantCulture), cells => cells[1]);
        }
        catch (Win32Exception)
        {
            Assert.Skip("tshark is not installed: it is the witness for Community IDs here");
            return [];
        }
    }
}
