// What an operator may write for a listener, and what is refused.
using System.Net;
using System.Runtime.CompilerServices;
using CsCheck;
using Tapline.Capture.Tunnels;
using Xunit;

namespace Tapline.Tests.Capture.Tunnels;

public class TunnelUrlTests
{
    [Theory]
    [InlineData("vxlan://:4789", TunnelProtocol.Vxlan, null, 4789, -1, null)]
    [InlineData("vxlan://", TunnelProtocol.Vxlan, null, 4789, -1, null)]
    [InlineData("vxlan://0.0.0.0:8472/?vni=16777215", TunnelProtocol.Vxlan, null, 8472, 16777215, null)]
    [InlineData("geneve://10.0.0.1?vni=0&from=10.0.0.9", TunnelProtocol.Geneve, "10.0.0.1", 6081, 0, "10.0.0.9")]
    [InlineData("geneve://[fd00::1]:6082", TunnelProtocol.Geneve, "fd00::1", 6082, -1, null)]
    [InlineData("gre://?key=4294967295", TunnelProtocol.Gre, null, 0, 4294967295, null)]
    [InlineData("erspan://[::1]?id=1023", TunnelProtocol.Erspan, "::1", 0, 1023, null)]
    public void AnOrderIsUnderstood(string text, object protocol, string? address, int port, long id, string? from)
    {
        var url = TunnelUrl.Parse(text, out var error);
        Assert.Equal("", error);
        Assert.NotNull(url);
        Assert.Equal((text, (TunnelProtocol)protocol, port, id), (url.Text, url.Protocol, url.Port, url.Id));
        Assert.Equal(address is null ? null : IPAddress.Parse(address), url.Address);
        Assert.Equal(from is null ? null : IPAddress.Parse(from), url.From);
    }

    [Theory]
    [InlineData("vxlan://:0")]
    [InlineData("vxlan://:65536")]
    [InlineData("vxlan://:")]
    [InlineData("vxlan://:+1")]
    [InlineData("vxlan://somewhere:1")]
    [InlineData("vxlan://[::1")]
    [InlineData("vxlan://?vni=16777216")]
    [InlineData("vxlan://?vni=-1")]
    [InlineData("vxlan://?vni=")]
    [InlineData("vxlan://?from=x")]
    [InlineData("vxlan://10.0.0.1?from=::1")]
    [InlineData("gre://:1")]
    [InlineData("erspan://?id=1024")]
    [InlineData("erspan://?key=1")]
    [InlineData("ftp://x")]
    public void WhatCannotBeMeantIsOneSentence(string text)
    {
        Assert.Null(TunnelUrl.Parse(text, out var error));
        Assert.EndsWith(".", error, StringComparison.Ordinal);
        Assert.Contains(text, error, StringComparison.Ordinal);
    }

    [Fact]
    public void NoTextThrows() => Gen.Select(Gen.Int[0, 4].Select(i => new[] { "vxlan://", "geneve://", "gre://",
        "erspan://", "" }[i]), Gen.String)
        .Sample((scheme, rest) =>
        {
            var url = TunnelUrl.Parse(scheme + rest, out var error);
            Assert.Equal(url is null, error.Length > 0);
        });

    [Fact]
    public void TheKernelsStructuresHaveTheirSizes()
    {
        Assert.Equal(64, Unsafe.SizeOf<mmsghdr>());
        Assert.Equal(16, Unsafe.SizeOf<iovec>());
        Assert.Equal(16, Unsafe.SizeOf<cmsghdr>());
        Assert.Equal(16, Unsafe.SizeOf<sock_fprog>());
    }
}
