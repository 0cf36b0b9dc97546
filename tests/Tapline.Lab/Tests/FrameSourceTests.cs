// The frame source says the truth: what it says it sent is what the veth's peer received, and the frames are well formed.
using Tapline.Lab.Frames;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Tests;

public sealed class FrameSourceTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(1514)]
    public void Every_frame_said_to_be_taken_arrived_on_the_peer(int frameBytes)
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool");
        using var space = NetNamespace.Create("fs");
        using var pair = VethPair.Create(space, space);
        space.Run("ethtool", "-K", pair.Far, "gro", "on");
        var (taken, sent) = space.Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of(pair.Near), frameBytes, flows: 256);
            return (source.SendUntilTaken(20_000, pair.Near), source.Sent);
        });
        Assert.Equal(20_000, taken);
        Assert.True(sent >= taken, $"{sent} sent");
        Assert.Equal(taken, space.Statistic(pair.Far, "rx_packets"));
        Assert.Equal(taken * frameBytes, space.Statistic(pair.Far, "rx_bytes"));
    }

    [Fact]
    public void The_frames_are_distinct_flows_with_right_header_checksums()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "tcpdump");
        using var space = NetNamespace.Create("fs");
        using var pair = VethPair.Create(space, space);
        space.Run("ethtool", "-K", pair.Far, "gro", "on");
        var file = Path.GetTempFileName();
        using var reader = space.Start("tcpdump", "-n", "-U", "-B", "32768", "-c", "20000", "-i", pair.Far, "-w", file);
        reader.WaitForLine(line => line.Contains("listening on", StringComparison.Ordinal));
        space.Enter(() =>
        {
            using var source = new FrameSource(LinkIndex.Of(pair.Near), 64, flows: 1 << 15);
            source.SendUntilTaken(20_000, pair.Near);
        });
        reader.WaitForExit();
        var text = LabCommand.Run("tcpdump", "-n", "-vv", "-r", file);
        File.Delete(file);
        Assert.DoesNotContain("bad cksum", text, StringComparison.Ordinal);
        var flows = text.Split('\n').Where(line => line.Contains(" > ", StringComparison.Ordinal)).Distinct().Count();
        Assert.Equal(20_000, flows);
    }
}
