// Why retention removed a segment.
namespace Tapline.Record;

/// <summary>The rule by which a segment went.</summary>
public enum RemovalReason : byte
{
    /// <summary>The folder's budget.</summary>
    Budget,

    /// <summary>All its frames were older than is kept.</summary>
    Age,

    /// <summary>The disk had less free than it must, or was full.</summary>
    FreeDisk,
}
