// What is written as a request is read back by the reader of answers.
using Tapline.Base.Native;
using Xunit;

namespace Tapline.Tests.Base.Native;

public class NetlinkBodyTests
{
    [Fact]
    public void NestedAttributesComeBackAsTheyWere()
    {
        var body = new NetlinkBody(stackalloc byte[128], 16);
        body.Text(3, "eth0");
        var outer = body.Begin(18);
        body.UInt16BigEndian(15, 4789);
        body.Byte(7, 1);
        body.End(outer);
        body.UInt32(4, 1500);
        Assert.Equal(0, body.Written.Length % 4);
        var attributes = new NetlinkAttributes(body.Written[16..]);
        Assert.True(attributes.MoveNext());
        Assert.Equal((3, "eth0"), (attributes.Type, attributes.Text()));
        Assert.True(attributes.MoveNext());
        Assert.Equal(18, attributes.Type);
        var inner = new NetlinkAttributes(attributes.Value);
        Assert.True(inner.MoveNext());
        Assert.Equal([0x12, 0xB5], inner.Value.ToArray());
        Assert.True(inner.MoveNext());
        Assert.Equal([1], inner.Value.ToArray());
        Assert.False(inner.MoveNext());
        Assert.True(attributes.MoveNext());
        Assert.True(attributes.TryUInt32(out var mtu));
        Assert.Equal((4, 1500u), (attributes.Type, mtu));
        Assert.False(attributes.MoveNext());
    }
}
