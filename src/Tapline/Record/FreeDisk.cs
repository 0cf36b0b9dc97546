// How much of a disk a recording leaves alone: a size, or a part of the whole disk. Plain data.
namespace Tapline.Record;

/// <summary>Room on the disk that is not the recording's. Nothing when both are 0.</summary>
/// <param name="Bytes">A size in bytes.</param>
/// <param name="Percent">A part of the file system's size, 0 to 99.</param>
public readonly record struct FreeDisk(long Bytes, int Percent)
{
    /// <summary>True when something is to stay free.</summary>
    public bool IsWanted => Bytes > 0 || Percent > 0;

    /// <summary>The bytes that stay free on a file system of this size.</summary>
    public long Of(long totalBytes) => Math.Max(Bytes, totalBytes / 100 * Percent);
}
