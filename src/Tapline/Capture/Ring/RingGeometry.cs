// The shape of one ring. Numbers and their reasons: docs/adr/0001-one-ring-per-worker.md.
using Tapline.Base;

namespace Tapline.Capture.Ring;

/// <summary>Size and timing of a TPACKET_V3 ring.</summary>
/// <param name="BlockBytes">Bytes of a block, a power of two; the largest frame must fit.</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="RetireTimeoutMs">Milliseconds after which the kernel hands over a block that is not full.</param>
internal readonly record struct RingGeometry(int BlockBytes, int Blocks, int RetireTimeoutMs)
{
    /// <summary>
    /// Holds a super-frame of 64 KiB with little waste at the end. Small blocks are many blocks, and a stalled worker
    /// uses up one per retire timeout however few frames arrive.
    /// </summary>
    public const int BlockBytesDefault = 256 * 1024;

    /// <summary>Where an interface announces larger super-frames (BIG TCP): twice the largest frame.</summary>
    public const int BlockBytesLarge = 2 * Limits.FrameBytesMax;

    /// <summary>Super-frames up to this fit the default block.</summary>
    public const int SuperFrameBytesUsual = 65536;

    /// <summary>The longest that a frame waits in a block that does not fill is twice this.</summary>
    public const int RetireTimeoutMsDefault = 4;

    /// <summary>Fewer blocks than this could not be filled and read at the same time.</summary>
    public const int BlocksMin = 4;

    /// <summary>A share of the budget for the host's own traffic, given out bridge by bridge.</summary>
    public const int HostShareDivisor = 8;

    public long Bytes => (long)BlockBytes * Blocks;

    /// <summary>The ring that fits into <paramref name="bytes"/>; blocks shrink before the ring gets fewer than BlocksMin.</summary>
    public static RingGeometry Fit(long bytes, int blockBytes, int retireTimeoutMs)
    {
        while (blockBytes > Limits.RingBlockBytesMin && bytes / blockBytes < BlocksMin)
        {
            blockBytes /= 2;
        }

        return new RingGeometry(blockBytes, (int)Math.Max(BlocksMin, bytes / blockBytes), retireTimeoutMs);
    }
}
