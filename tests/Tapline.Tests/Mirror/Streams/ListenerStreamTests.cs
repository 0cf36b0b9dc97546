// A session that clients connect to: each gets a whole stream from its beginning on, and a slow one harms nobody.
using System.Net;
using System.Net.Sockets;
using Tapline.Base;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

public class ListenerStreamTests
{
    [Fact]
    public void WithoutAClientFramesAreNotWanted()
    {
        using var stream = new StreamFixture($"pcap-over-ip://:{FreePort()}");
        stream.Offer();
        stream.Offer();
        stream.Finish();
        Assert.Equal((2, 2, 2), (stream.Sum(c => c.Offered), stream.Sum(c => c.Filtered), stream.Sum(c => c.Unwanted)));
    }

    [Fact]
    public void EachClientGetsAWholeStreamFromItsBeginning()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort();
        using var stream = new StreamFixture($"pcap-over-ip://:{port}");
        using var first = Connect(stream, port, 1);
        Send(stream, 1000);
        using var second = Connect(stream, port, 2);
        Send(stream, 500);
        Assert.Equal([(1500L, 0L), (500L, 0L)], stream.Clients.Select(c => (c.Sent, c.Dropped)));
        Assert.All(stream.Clients, c => Assert.StartsWith("127.0.0.1:", c.Peer, StringComparison.Ordinal));
        stream.Finish();
        Assert.Equal(1500, stream.Sum(c => c.Sent));
        Assert.Equal(stream.Offered.Select(o => o.Bytes), ReadAll(first, folder["1"]).Select(f => f.Bytes));
        Assert.Equal(stream.Offered.Skip(1000).Select(o => o.Bytes), ReadAll(second, folder["2"]).Select(f => f.Bytes));
        Assert.Equal(5u, SegmentFile.Blocks(folder["2"])[^1].Type);
    }

    [Fact]
    public void ASlowClientLosesAndNobodyElse()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort();
        using var stream = new StreamFixture($"pcap-over-ip://:{port}");
        using var slow = Connect(stream, port, 1);
        using var fast = Connect(stream, port, 2);
        var bytes = 0L;
        var reading = Task.Run(() => ReadAll(fast, folder["fast"], count => Interlocked.Add(ref bytes, count)));
        for (var round = 1; round <= 60; round++)
        {
            Send(stream, 1000, bytes: 1000);
            var least = round * 1_000_000L;
            Assert.True(Await.Until(() => Interlocked.Read(ref bytes) > least), "he keeps up");
        }

        var (sent, dropped) = (stream.Clients[0].Sent, stream.Clients[0].Dropped);
        Assert.True(dropped > 0 && sent + dropped == 60_000, $"{sent} + {dropped}");
        Assert.Equal((60_000L, 0L), (stream.Clients[1].Sent, stream.Clients[1].Dropped));

        // He reads on: what he got is whole, and its ending tells what he lacks.
        bytes = 0;
        var late = Task.Run(() => ReadAll(slow, folder["slow"], count => Interlocked.Add(ref bytes, count)));
        Assert.True(Await.Until(() => Interlocked.Read(ref bytes) > sent * 1000L), "he catches up");
        stream.Finish();
        Assert.Equal(60_000, stream.Sum(c => c.Sent));
        Assert.Equal(60_000, reading.Result.Count);
        Assert.Equal(sent, late.Result.Count);
    }

    [Fact]
    public void AClientThatGoesIsForgotten()
    {
        var port = FreePort();
        using var stream = new StreamFixture($"pcap-over-ip://:{port}");
        var client = Connect(stream, port, 1);
        Send(stream, 10);
        client.Close(0);
        Assert.True(Await.Until(() => stream.Clients.Count == 0));
        stream.Offer();
        stream.Finish();
        Assert.Equal((11, 10, 1), (stream.Sum(c => c.Offered), stream.Sum(c => c.Sent), stream.Sum(c => c.Unwanted)));
    }

    [Fact]
    public void ItsOwnConnectionsAreNotCopied()
    {
        var port = FreePort();
        using var stream = new StreamFixture($"pcap-over-ip://:{port}");
        using var client = Connect(stream, port, 1);
        var own = ((IPEndPoint)client.LocalEndPoint!).Port;
        foreach (var (source, destination) in ((int, int)[])[(port, own), (own, port), (port, own ^ 1), (own ^ 1, port)])
        {
            var frame = new FrameBuilder().Ethernet().Ipv4().Tcp(source, destination, TcpFlag.Ack).Build();
            stream.Offer(
                new FrameMeta { CapturedLength = frame.Length, OriginalLength = frame.Length, LinkType = LinkType.Ethernet }, frame);
        }

        stream.Drain();
        Assert.Equal((2, 2), (stream.Sum(c => c.Sent), stream.Sum(c => c.Unwanted)));
        stream.Finish();
    }

    [Fact]
    public void SixteenAreServedAndNoMore()
    {
        var port = FreePort();
        using var stream = new StreamFixture($"pcap-over-ip://:{port}");
        var clients = Enumerable.Range(1, 16).Select(n => Connect(stream, port, n)).ToList();
        using var tooMany = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tooMany.Connect(IPAddress.Loopback, port);
        Assert.Equal(0, tooMany.Receive(new byte[1]));
        Assert.Equal(16, stream.Clients.Count);
        clients.ForEach(c => c.Dispose());
        stream.Finish();
    }

    [Fact]
    public void APortInUseIsASentence()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var port = ((IPEndPoint)other.LocalEndPoint!).Port;
        Assert.Contains("listens on", StreamFixture.Refusal($"pcap-over-ip://:{port}"), StringComparison.Ordinal);
        Assert.Contains("no address of this host", StreamFixture.Refusal("pcap-over-ip://192.0.2.1:57012"), StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static Socket Connect(StreamFixture stream, int port, int clients)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        Assert.True(Await.Until(() => stream.Clients.Count == clients));
        return socket;
    }

    private static void Send(StreamFixture stream, int count, int bytes = 100)
    {
        for (var i = 0; i < count; i++)
        {
            stream.Offer(bytes);
        }

        stream.Drain();
    }

    private static List<ReadFrame> ReadAll(Socket socket, string path, Action<int>? onRead = null)
    {
        using (var file = File.Create(path))
        {
            var buffer = new byte[64 * 1024];
            int count;
            while ((count = socket.Receive(buffer)) > 0)
            {
                file.Write(buffer, 0, count);
                onRead?.Invoke(count);
            }
        }

        return SegmentFile.Frames(path);
    }
}
