// Wrong expressions: what is said, and where.
using Tapline.Base;
using Tapline.Filter;
using Xunit;

namespace Tapline.Tests.Filter;

public class FilterMistakeTests
{
    [Theory]
    [InlineData("tcp prot 80", 4, "instead of `prot`", "port")]
    [InlineData("host", 4, "the expression ends where an address should follow", null)]
    [InlineData("tcp and (port 80", 8, "never closed", null)]
    [InlineData("tcp) and udp", 3, "never opened", null)]
    [InlineData("len >", 5, "the expression ends where a number", null)]
    [InlineData("tpc port 80", 0, "no word of the language", "tcp")]
    [InlineData("port htpps", 5, "no service is named `htpps`", "https")]
    [InlineData("udp port http", 9, "service of tcp", "tcp port http")]
    [InlineData("port 70000", 5, "no port", null)]
    [InlineData("port 1.2.3.4", 5, "is an address", "host 1.2.3.4")]
    [InlineData("10.0.0.1", 0, "needs a word before it", "host 10.0.0.1")]
    [InlineData("tcp 80", 4, "is missing", "tcp port 80")]
    [InlineData("ether 00:11:22:33:44:55", 6, "is missing", "ether host 00:11:22:33:44:55")]
    [InlineData("host 00:11:22:33:44:55", 5, "needs `ether host`", "ether host 00:11:22:33:44:55")]
    [InlineData("host 10.0.0.256", 5, "goes up to 255", null)]
    [InlineData("net 10.0.0.1/8", 4, "bits set that the mask leaves out", "net 10.0.0.0")]
    [InlineData("host 10.0.0.0/8", 5, "only `net` takes a mask", "net")]
    [InlineData("net 10.0.0.0/33", 13, "a prefix length up to 32", null)]
    [InlineData("host www.example.org", 5, "host names are not looked up", null)]
    [InlineData("net loopback", 4, "network names are not looked up", null)]
    [InlineData("ip proto tcp", 9, "is a keyword", "\\tcp")]
    [InlineData("ip proto \\tpc", 9, "no protocol is named", "tcp")]
    [InlineData("ip broadcast", 0, "needs the netmask", "ether broadcast")]
    [InlineData("gateway 10.0.0.1", 0, "host names to be looked up", null)]
    [InlineData("ip protochain 6", 3, "in a loop", "ip proto")]
    [InlineData("inbound", 0, "do not say whether they are inbound", null)]
    [InlineData("ip[0", 4, "the expression ends where a closing bracket", null)]
    [InlineData("ip[0:3] = 1", 5, "1, 2 or 4", null)]
    [InlineData("ip[0] / 0 = 1", 6, "divides by zero", null)]
    [InlineData("ip[0] << 32 = 1", 6, "more than 31 bits", null)]
    [InlineData("08 = 1", 0, "octal", null)]
    [InlineData("4294967296 = len", 0, "does not fit 32 bits", null)]
    [InlineData("vlan 4096", 0, "goes up to 4095", null)]
    [InlineData("tcp host 10.0.0.1", 9, "carries no IPv4 address", "tcp and host 10.0.0.1")]
    [InlineData("icmp port 5", 10, "has no ports", null)]
    [InlineData("tcp and", 7, "the expression ends where", null)]
    [InlineData("tcp or 443", 10, "a comparison", null)]
    [InlineData("tcp @ udp", 4, "has no meaning", null)]
    [InlineData("vm", 2, "a name after `vm`", null)]
    [InlineData("vm and tcp", 3, "quotation marks", "vm \"and\"")]
    [InlineData("vm \"web", 3, "closing quotation mark", null)]
    [InlineData("tunnel vxlam", 7, "no kind of tunnel", "vxlan")]
    [InlineData("inner vlan", 6, "and nothing else", null)]
    [InlineData("latency", 0, "needs a comparison", "latency > 200ms")]
    [InlineData("latency > 200", 0, "no value of `latency`", "latency > 200ms")]
    [InlineData("app > http", 4, "is a text", null)]
    [InlineData("latency > 200ms", 0, "no single frame tells", null)]
    [InlineData("tcp and retransmissions > 3", 8, "no single frame tells", null)]
    [InlineData("wlan type data", 0, "alone says nothing", null)]
    [InlineData("ip and ip6", 0, "no frame", null)]
    public void EachMistakeIsToldWithItsPlace(string expression, int column, string message, string? suggestion)
    {
        var mistake = Mistakes(expression)[0];
        Assert.Contains(message, mistake.Message, StringComparison.Ordinal);
        Assert.Equal((column, suggestion), (mistake.Column, mistake.Suggestion));
    }

    [Fact]
    public void AllMistakesAreToldAtOnce()
    {
        var mistakes = Mistakes("tpc or (host foo or port 70000) and vlan 5000");
        Assert.Equal([0, 13, 25, 36], mistakes.Select(m => m.Column));
    }

    [Fact]
    public void TheSentenceNamesColumnsFromOneAndThePointerPoints()
    {
        Assert.Null(CompiledFilter.Compile("tcp and prot 80", LinkType.Ethernet, out var error));
        Assert.Equal(
            "The filter expression \"tcp and prot 80\" is not valid: `prot` is no word of the language (column 9; did you mean "
            + "`port`?).", error);
        Assert.Equal("tcp and prot 80\n        ^~~~", Mistakes("tcp and prot 80")[0].Pointer("tcp and prot 80"));
    }

    [Theory]
    [InlineData(100_000, "(", ")")]
    [InlineData(30_000, "not ", "")]
    [InlineData(16_000, "ip[", "]")]
    [InlineData(8_000, "1+", "")]
    [InlineData(3_000, "-", "")]
    [InlineData(3_000, "1%", "")]
    [InlineData(3_000, "inner ", "")]
    public void DeepTextsEndInAMistake(int depth, string open, string close)
    {
        var text = string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth)) + "= 1";
        Assert.NotEmpty(Mistakes(text));
    }

    [Fact]
    public void ChainsOfThousandsOfTermsCompile()
    {
        var text = string.Join(" or ", Enumerable.Range(0, 2500).Select(i => $"host 10.1.{i / 256}.{i % 256}"));
        var filter = CompiledFilter.Compile(text, LinkType.Ethernet, out var error);
        Assert.True(filter is not null, error);
        var inner = "inner port (" + string.Join(" or ", Enumerable.Range(1, 5000)) + ")";
        Assert.True(CompiledFilter.Compile(inner, LinkType.Ethernet, out error) is not null, error);
    }

    private static IReadOnlyList<FilterMistake> Mistakes(string expression)
    {
        if (FilterTree.Parse(expression, out var mistakes) is { } tree)
        {
            Assert.Null(Tapline.Filter.Lowering.FilterProgram.Make(tree, LinkType.Ethernet, out var mistake));
            mistakes = [mistake!];
        }

        Assert.NotEmpty(mistakes);
        Assert.All(mistakes, m => Assert.InRange(m.Column, 0, expression.Length));
        Assert.All(mistakes, m => Assert.True(m.Length >= 1 && m.Message.Length > 0));
        return mistakes;
    }
}
