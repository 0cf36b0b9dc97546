// How the bytes of segments are made smaller.
namespace Tapline.Record.Container;

/// <summary>Compression of segments at rest.</summary>
public enum SegmentCompression
{
    /// <summary>Stored as they are.</summary>
    None,

    /// <summary>LZ4 block format.</summary>
    Lz4,
}
