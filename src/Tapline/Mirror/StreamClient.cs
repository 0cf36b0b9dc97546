// Somebody who reads a session's stream over a connection, with what he got and what he was too slow for. Written by the
// stream's thread, read by any.
namespace Tapline.Mirror;

/// <summary>One client's figures, in packets as written.</summary>
/// <param name="peer">His address and port.</param>
public sealed class StreamClient(string peer)
{
    private long _sent;
    private long _dropped;

    /// <summary>Address and port, as text.</summary>
    public string Peer { get; } = peer;

    /// <summary>Packets put into his buffer.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Packets that his full buffer did not take.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    internal void CountSent(int packets) => Volatile.Write(ref _sent, _sent + packets);

    internal void CountDropped(int packets) => Volatile.Write(ref _dropped, _dropped + packets);
}
