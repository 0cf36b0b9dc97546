// Targets that carry pcapng, as typed: each text has one meaning, its canonical form reads back as the same target, and
// what cannot be meant gets a sentence.
using Tapline.Mirror.Targets;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

public class StreamTargetTests
{
    [Theory]
    [InlineData("stdout", "stdout")]
    [InlineData("stdout?frames=captured", "stdout?frames=captured")]
    [InlineData("stdout?frames=wire", "stdout")]
    [InlineData("file:/tmp/x.pcapng", "file:/tmp/x.pcapng")]
    [InlineData("file:x.pcapng?overwrite", "file:x.pcapng?overwrite")]
    [InlineData("file:/x?rotate=100MB&files=3", "file:/x?rotate=100MiB&files=3")]
    [InlineData("file:/x?files=3&rotate=10m,1000000f,1GiB", "file:/x?rotate=1GiB,600s,1000000f&files=3")]
    [InlineData("pcap-over-ip://:57012", "pcap-over-ip://127.0.0.1:57012")]
    [InlineData("pcap-over-ip://0.0.0.0:1?frames=captured", "pcap-over-ip://0.0.0.0:1?frames=captured")]
    [InlineData("pcap-over-ip://[::1]:65535", "pcap-over-ip://[::1]:65535")]
    public void TheTextReadsBack(string text, string canonical)
    {
        var target = TargetParser.Parse(text, out var error);
        Assert.Null(error);
        Assert.Equal(canonical, target!.ToString());
        Assert.Equal(target, TargetParser.Parse(canonical, out _));
        Assert.Empty(target.Interfaces);
    }

    [Theory]
    [InlineData("stdoutx", "is not a target")]
    [InlineData("stdout?overwrite", "has no option overwrite")]
    [InlineData("stdout?frames=all", "frames is one of wire, captured")]
    [InlineData("file:", "names no file")]
    [InlineData("file:/tmp/", "names no file")]
    [InlineData("file:/tmp/..", "names no file")]
    [InlineData("file:/x?rotate=", "rotate= is not possible")]
    [InlineData("file:/x?rotate=10", "is not possible")]
    [InlineData("file:/x?rotate=10kB", "is not possible")]
    [InlineData("file:/x?rotate=1m,2m", "is not possible")]
    [InlineData("file:/x?rotate=99999999999999999999MB", "is not possible")]
    [InlineData("file:/x?rotate=9000000000000000TB", "is not possible")]
    [InlineData("file:/x?files=3", "needs rotate")]
    [InlineData("file:/x?files=0&rotate=1m", "from 1 to")]
    [InlineData("file:/x?overwrite=no", "overwrite takes no value")]
    [InlineData("pcap-over-ip://", "is no address and port")]
    [InlineData("pcap-over-ip://57012", "is no address and port")]
    [InlineData("pcap-over-ip://:0", "is no address and port")]
    [InlineData("pcap-over-ip://:65536", "is no address and port")]
    [InlineData("pcap-over-ip://1:57012", "is no address and port")]
    [InlineData("pcap-over-ip://host:57012", "is no address and port")]
    [InlineData("pcap-over-ip://::1:57012", "is no address and port")]
    public void OtherThingsGetASentence(string text, string expected)
    {
        Assert.Null(TargetParser.Parse(text, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ALongPathIsRefused()
    {
        Assert.Null(TargetParser.Parse("file:/tmp/" + new string('x', 300), out var error));
        Assert.Contains("too long", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pcap-over-ip://:1", false)]
    [InlineData("pcap-over-ip://[::1]:1", false)]
    [InlineData("pcap-over-ip://0.0.0.0:1", true)]
    [InlineData("pcap-over-ip://192.0.2.1:1", true)]
    public void WhoCanReachAListenerIsKnown(string text, bool isReachable) =>
        Assert.Equal(isReachable, ((PcapOverIpTarget)TargetParser.Parse(text, out _)!).IsReachable);
}
