// `tapline mirror` as typed: wrong orders end with 2 and a sentence, before anything on the host is touched.
using System.CommandLine;
using System.Runtime.Versioning;
using Tapline.Server.Commands;
using Xunit;

namespace Tapline.Tests.Mirror;

[SupportedOSPlatform("linux")]
public class MirrorVerbTests
{
    [Theory]
    [InlineData("mirror --to nic:eth2", "--from")]
    [InlineData("mirror --from br0", "--to")]
    [InlineData("mirror --from br0 --to vxlan://10.0.0.1?vni=x", "vni=x is not possible for a vxlan target")]
    [InlineData("mirror --from br0 --to eth2", "write nic:INTERFACE")]
    [InlineData("mirror --from br0 --to nic:eth2 --mode fast", "--mode")]
    [InlineData("mirror --from br0 --to nic:eth2 --seconds 0", "--seconds wants a number above 0")]
    public void AWrongCommandLineIsExplained(string line, string expected)
    {
        var parsed = RootVerb.Build().Parse(line);
        Assert.Contains(parsed.Errors, e => e.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void ARightCommandLineIsTaken() => Assert.Empty(RootVerb.Build().Parse(
    [
        "mirror", "--from", "bridge:br0,vm:web01", "--to", "nic:eth2", "--filter", "tcp port 80", "--slice", "128",
        "--seconds", "1.5", "--json", "--mode", "kernel", "--explain",
    ]).Errors);
}
