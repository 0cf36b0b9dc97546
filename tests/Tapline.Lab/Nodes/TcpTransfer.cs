// Bytes over TCP between two namespaces with the kernel's own sockets, made inside the namespaces and used from here.
// In: how many bytes. Out: when it returns, the receiver has read them all and both sides have closed.
using System.Net;
using System.Net.Sockets;
using Tapline.Lab.Net;

namespace Tapline.Lab.Nodes;

/// <summary>A bulk transfer.</summary>
internal static class TcpTransfer
{
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Sends from one namespace to an address in another; returns the bytes received.</summary>
    public static long Run(NetNamespace from, NetNamespace to, string address, int port, long bytes)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(address), port);
        using var listener = to.Enter(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(endPoint);
            socket.Listen();
            return socket;
        });
        using var sender = from.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        var received = 0L;
        var receiver = new Thread(() => received = Receive(listener));
        receiver.Start();
        sender.Connect(endPoint);
        var chunk = new byte[ChunkBytes];
        for (var left = bytes; left > 0; left -= chunk.Length)
        {
            sender.Send(chunk.AsSpan(0, (int)Math.Min(left, chunk.Length)));
        }

        sender.Shutdown(SocketShutdown.Send);
        receiver.Join();
        _ = sender.Receive(chunk); // the receiver's FIN: its end of the connection is closed as well
        return received;
    }

    private static long Receive(Socket listener)
    {
        using var connection = listener.Accept();
        var buffer = new byte[ChunkBytes];
        var sum = 0L;
        int count;
        while ((count = connection.Receive(buffer)) > 0)
        {
            sum += count;
        }

        return sum;
    }
}
