// A target that does not keep up still gets what a tool needs to understand the flows: their openings, first frames, ends.
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Targets;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror;

public class FrameValueTests
{
    private const byte Ack = 0x10;
    private static readonly SuperFrame s_plain = new SuperFrame { Payload = new byte[100] }.Build();

    [Theory]
    [InlineData(0, true, true)]
    [InlineData(49, true, true)]
    [InlineData(50, true, false)]
    [InlineData(69, true, false)]
    [InlineData(70, false, false)]
    [InlineData(100, false, false)]
    public void TheFirstFramesOfAFlowAreWorthMoreThanLaterOnes(int fill, bool first, bool later)
    {
        using var value = new FrameValue();
        var layout = Tcp(1, Ack);
        Assert.Equal(first, value.IsWorth(layout, hasEvent: false, fill));
        for (var i = 1; i < FrameValue.FirstFrames; i++)
        {
            Assert.Equal(first, value.IsWorth(layout, hasEvent: false, fill));
        }

        Assert.Equal(later, value.IsWorth(layout, hasEvent: false, fill));
        Assert.Equal(first, value.IsWorth(Tcp(2, Ack), hasEvent: false, fill));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(70, true)]
    [InlineData(84, true)]
    [InlineData(85, false)]
    [InlineData(100, false)]
    public void FlowsWithEventsComeBeforeFirstFramesAndAfterOpenings(int fill, bool expected)
    {
        using var value = new FrameValue();
        for (var i = 0; i <= FrameValue.FirstFrames; i++)
        {
            _ = value.IsWorth(Tcp(1, Ack), hasEvent: false, 0);
        }

        Assert.Equal(expected, value.IsWorth(Tcp(1, Ack), hasEvent: true, fill));
        Assert.True(value.IsWorth(Tcp(1, 0x02), hasEvent: true, fill));
        Assert.Equal(fill < FrameValue.EventsPercent, value.IsWorth(Tcp(2, Ack), hasEvent: false, fill));
        Assert.Equal(fill < FrameValue.CrowdedPercent, value.IsWorth(Tcp(1, Ack), hasEvent: false, fill));
    }

    [Theory]
    [InlineData(0x02)]
    [InlineData(0x12)]
    [InlineData(0x11)]
    [InlineData(0x14)]
    public void OpeningsAndEndsAreTakenToTheLast(byte flags)
    {
        using var value = new FrameValue();
        for (var i = 0; i < 100; i++)
        {
            _ = value.IsWorth(Tcp(1, Ack), hasEvent: false, 0);
        }

        Assert.True(value.IsWorth(Tcp(1, flags), hasEvent: false, 99));
        Assert.False(value.IsWorth(Tcp(1, Ack), hasEvent: false, 99));
    }

    [Fact]
    public void NamesErrorsAndWhatIsNoIpAreTakenToTheLast()
    {
        using var value = new FrameValue();
        Assert.True(IsWorth(new FrameLayout { IpVersion = 4, IpProtocol = IpProtocols.Udp, DestinationPort = 53 }));
        Assert.True(IsWorth(new FrameLayout { IpVersion = 6, IpProtocol = IpProtocols.Icmpv6 }));
        Assert.True(IsWorth(new FrameLayout { EtherType = 0x0806 }));
        Assert.False(IsWorth(new FrameLayout { IpVersion = 4, IpProtocol = IpProtocols.Udp, DestinationPort = 54 }));

        bool IsWorth(in FrameLayout layout) => value.IsWorth(layout, hasEvent: false, 99);
    }

    [Fact]
    public void ManyNewFlowsDoNotMakeABusyOneLookNew()
    {
        using var value = new FrameValue();
        var busy = Tcp(1, Ack);
        for (var i = 0; i < 1000; i++)
        {
            _ = value.IsWorth(busy, hasEvent: false, 0);
        }

        // Ten times as many as the table has places.
        for (var i = 0; i < 10 * Tapline.Base.Limits.MirrorValueFlows; i++)
        {
            _ = value.IsWorth(Tcp(i + 2, Ack), hasEvent: false, 0);
        }

        Assert.False(value.IsWorth(busy, hasEvent: false, FrameValue.CrowdedPercent));
    }

    [Fact]
    public void ASlowTargetGetsEveryHandshakeAmongBulk()
    {
        var output = new MemoryOutput(entries: 128, bufferBytes: 1 << 20) { Appetite = 0 };
        using var session = new MirrorSession(
            new MirrorSessionOptions { Id = 0, Name = "m1", Target = new NicTarget("x") }, output);
        var syn = (s_plain with { TcpFlags = 0x02, Payload = [] }).Build();
        var synFrames = 0;
        for (var i = 0; i < 4000; i++)
        {
            // The target takes one frame in four of those that come, and one in a hundred opens a connection.
            output.Appetite += i % 4 == 0 ? 1 : 0;
            var isSyn = i % 100 == 99;
            synFrames += isSyn ? 1 : 0;
            var frame = isSyn ? syn : s_plain;
            session.Offer(frame.Meta, frame.Layout with { SourcePort = (ushort)(isSyn ? i : 7) }, frame.Bytes);
        }

        output.Appetite = int.MaxValue;
        session.Finish();
        Assert.Equal(synFrames, output.Taken!.Count(f => f[s_plain.InnerTransport + 13] == 0x02));
        Assert.InRange(session.Counters.DroppedShed, 2000, 4000);
        Assert.Equal(0, session.Counters.DroppedBusy);
        Assert.True(session.Counters.Balances);
    }

    [Fact]
    public void NothingIsAllocated()
    {
        using var value = new FrameValue();
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                _ = value.IsWorth(Tcp(i, Ack), i % 3 == 0, i % 100);
            }
        }));
    }

    private static FrameLayout Tcp(int flow, byte flags) => new()
    {
        IpVersion = 4, IpProtocol = IpProtocols.Tcp, Flags = LayoutFlags.HasTransport, TcpFlags = flags,
        AddressHash = (uint)flow * 2_654_435_761, SourcePort = (ushort)flow, DestinationPort = 80,
    };
}
