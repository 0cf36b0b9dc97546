// What is known of a checksum.
namespace Tapline.Decode;

/// <summary>Outcome of looking at one checksum.</summary>
public enum ChecksumState : byte
{
    /// <summary>The layer has no checksum, or its sender left it out (UDP over IPv4).</summary>
    NotPresent = 0,

    /// <summary>Right.</summary>
    Good = 1,

    /// <summary>
    /// Wrong. In a capture at the sender that is often an offload's unfinished sum (FrameFlags.ChecksumPartial).
    /// </summary>
    Bad = 2,

    /// <summary>Cannot be told: bytes were cut, or the packet is a fragment or on a source route.</summary>
    Unverified = 3,
}
