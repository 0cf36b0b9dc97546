// One packet block in a ring, and what its reader has to know of it without parsing it.
using Tapline.Base;

namespace Tapline.Mirror.Streams;

/// <summary>A block's place and facts. Plain data in native memory.</summary>
internal struct StreamBlock
{
    /// <summary>Position after the block; grows for ever.</summary>
    public long BytesEnd;

    /// <summary>The frame's time, by which rings are merged.</summary>
    public long TimestampNs;

    /// <summary>Where in the ring's memory it begins.</summary>
    public int Offset;

    /// <summary>Length of the block.</summary>
    public int Bytes;

    /// <summary>Length of the frame in it.</summary>
    public int FrameBytes;

    public ushort Point;

    public LinkType LinkType;

    public bool IsSliced;

    /// <summary>The last block of its captured frame.</summary>
    public bool IsLast;

    /// <summary>What became of it; None = taken. Set by the reader.</summary>
    public DropReason Fate;
}
