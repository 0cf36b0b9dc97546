// Netlink messages: literal bytes, and the same bytes cut at each place or with hostile lengths.
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Xunit;

namespace Tapline.Tests.Base.Native;

public class NetlinkReaderTests
{
    // Two messages: type 16 with 5 bytes (padded to 8), type 3 (done) with 4.
    private static readonly byte[] s_datagram =
    [
        21, 0, 0, 0, 16, 0, 2, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0xA, 0xB, 0xC, 0xD, 0xE, 0, 0, 0,
        20, 0, 0, 0, 3, 0, 2, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];

    [Fact]
    public void MessagesAreWalkedWithTheirPadding()
    {
        var messages = new NetlinkMessages(s_datagram);
        Assert.True(messages.MoveNext());
        Assert.Equal((16, 2, 7u), (messages.Type, messages.Flags, messages.Sequence));
        Assert.Equal([0xA, 0xB, 0xC, 0xD, 0xE], messages.Payload.ToArray());
        Assert.True(messages.MoveNext());
        Assert.Equal(Netlink.NLMSG_DONE, messages.Type);
        Assert.False(messages.MoveNext());
        Assert.False(messages.IsCut);
    }

    [Fact]
    public void ACutDatagramGivesItsWholeMessagesAndSaysSo()
    {
        for (var length = 0; length < s_datagram.Length; length++)
        {
            var messages = new NetlinkMessages(s_datagram.AsSpan(0, length).ToArray());
            var count = 0;
            while (messages.MoveNext())
            {
                count++;
            }

            Assert.Equal(length >= 21 ? 1 : 0, count);
            Assert.Equal(length is not 0 and not (>= 21 and <= 24), messages.IsCut);
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(15u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0xFFFFFFFFu)]
    public void AHostileMessageLengthEndsTheWalk(uint length)
    {
        var bytes = (byte[])s_datagram.Clone();
        BitConverter.TryWriteBytes(bytes, length);
        var messages = new NetlinkMessages(bytes);
        Assert.False(messages.MoveNext());
        Assert.True(messages.IsCut);
    }

    [Fact]
    public void AttributesStopAtOneThatDoesNotFit()
    {
        byte[] bytes = [5, 0, 3, 0x80, (byte)'x', 0, 0, 0, 8, 0, 4, 0, 0xDC, 5, 0, 0, 200, 0, 9, 0];
        var attributes = new NetlinkAttributes(bytes);
        Assert.True(attributes.MoveNext());
        Assert.Equal(3, attributes.Type);
        Assert.Equal("x", attributes.Text());
        Assert.True(attributes.MoveNext());
        Assert.True(attributes.TryUInt32(out var mtu));
        Assert.Equal(1500u, mtu);
        Assert.False(attributes.MoveNext());
    }
}
