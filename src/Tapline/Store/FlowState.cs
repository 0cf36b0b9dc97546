// Where a TCP connection stood when its record was written, and why the record ended there.
namespace Tapline.Store;

/// <summary>State of a flow at the end of its record. Names in JSON are the snake_case of these.</summary>
public enum FlowState : byte
{
    /// <summary>Not a TCP flow.</summary>
    None = 0,

    /// <summary>SYN seen, never answered.</summary>
    SynUnanswered,

    /// <summary>SYN answered by RST: the port is closed or the service refuses.</summary>
    Refused,

    /// <summary>SYN and SYN/ACK seen, the final ACK not.</summary>
    HandshakeUnfinished,

    /// <summary>Handshake complete, data may flow.</summary>
    Established,

    /// <summary>Seen from the middle: no handshake before the first data.</summary>
    MidStream,

    /// <summary>One side has sent FIN.</summary>
    HalfClosed,

    /// <summary>Both sides have sent FIN.</summary>
    Closed,

    /// <summary>The initiator sent RST.</summary>
    ResetByInitiator,

    /// <summary>The responder sent RST.</summary>
    ResetByResponder,
}

/// <summary>Why a flow's record was written (RFC 5102 flowEndReason, with our words).</summary>
public enum FlowEndReason : byte
{
    None = 0,
    Fin,
    Rst,
    Idle,
    Active,
    EndOfInput,

    /// <summary>The table was full and this flow was the least recently used.</summary>
    Evicted,

    /// <summary>A new connection began with the same addresses and ports.</summary>
    PortReused,
}
