// How a recording lies on the disk, as it was ordered: plain data of the command line and the configuration.
namespace Tapline.Record.Container;

/// <summary>Compression and encryption of segments.</summary>
/// <param name="Compression">How they are made smaller.</param>
/// <param name="KeyFile">Whole path of the key that encrypts them; null = nothing is encrypted.</param>
public sealed record AtRest(SegmentCompression Compression, string? KeyFile)
{
    /// <summary>Ordinary files.</summary>
    public static AtRest Plain { get; } = new(SegmentCompression.None, null);

    /// <summary>Reads the key, for a recorder and for repairs; false with a sentence where that can't be.</summary>
    public bool TryOpenKey(out SegmentKey? key, out string? error)
    {
        error = null;
        key = KeyFile is null ? null : KeyRing.TryAdd(KeyFile, out error);
        return error is null;
    }
}
