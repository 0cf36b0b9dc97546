// What a segment's seal states. Plain data; read from a file only as far as SealText found it well-formed.
namespace Tapline.Record.Evidence;

/// <summary>A seal without its block hashes.</summary>
internal struct SegmentSeal
{
    /// <summary>The chain it belongs to: one per folder and worker, a random number.</summary>
    public UInt128 Chain;

    public ushort Worker;

    /// <summary>Its place in the chain, from 1.</summary>
    public long Sequence;

    /// <summary>Link of the seal before; all zeros for the first.</summary>
    public Hash256 Previous;

    /// <summary>SHA-256 of the signed lines: what the next seal names as previous.</summary>
    public Hash256 Link;

    /// <summary>Length of the segment's file.</summary>
    public long Bytes;

    public SealState State;

    /// <summary>When it was sealed, ns since the epoch.</summary>
    public long SealedNs;

    /// <summary>True when the segment had an index then; <see cref="Index"/> is its SHA-256.</summary>
    public bool HasIndex;

    public Hash256 Index;

    /// <summary>The key that signed it.</summary>
    public Hash256 Key;

    /// <summary>Blocks of <see cref="BlockHashes.BlockBytes"/> that it has hashes of.</summary>
    public int Blocks;

    /// <summary>Where in the file the name of the segment stands, without quotes.</summary>
    public Range Name;
}
