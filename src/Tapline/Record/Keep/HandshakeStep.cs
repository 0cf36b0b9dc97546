// The steps of one direction through its handshake.
namespace Tapline.Record.Keep;

/// <summary>Where a direction stands.</summary>
public enum HandshakeStep : byte
{
    /// <summary>No payload seen.</summary>
    New = 0,

    /// <summary>SSH: in the line that says the version.</summary>
    Banner,

    /// <summary>Records are followed, one after the other.</summary>
    InStep,

    /// <summary>SSH: the record under way is the last one in the clear.</summary>
    LastRecord,

    /// <summary>A piece is missing: where the next record begins is not known.</summary>
    Lost,

    /// <summary>What comes now is encrypted bulk.</summary>
    Over,
}
