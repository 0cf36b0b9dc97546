// What a seal says of how its segment came to be.
namespace Tapline.Record.Evidence;

/// <summary>How a segment was sealed.</summary>
public enum SealState : byte
{
    /// <summary>Hashed while it was written, sealed when it ended.</summary>
    Complete,

    /// <summary>A crash or a device error left it: hashed from disk as it was found, cut to its last whole block.</summary>
    Recovered,

    /// <summary>Made from a file of other origin: sealed since then, not since the capture.</summary>
    Imported,
}
