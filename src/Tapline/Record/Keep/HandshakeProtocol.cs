// Protocols of which a handshake can be told from what is encrypted after it, by content alone.
namespace Tapline.Record.Keep;

/// <summary>What a flow is, as far as its first payload tells.</summary>
public enum HandshakeProtocol : byte
{
    /// <summary>Not known yet.</summary>
    Undecided = 0,

    /// <summary>None of those below.</summary>
    Other,

    Tls,
    Ssh,
    Quic,
}
