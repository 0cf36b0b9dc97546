// A block of a capture file on its way through several workers: decoded by one, then each flow's frames followed by the
// worker that owns the flow. What an owner needs lies together, in file order: reading it from another core's cache is
// the price of sharing the work, and it is paid by the cache line.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Files;
using Tapline.Decode;

namespace Tapline.Workers.Offline;

/// <summary>A block with its decoded frames. Written by one worker, then read by all, then free again.</summary>
internal sealed class BlockSlot : IDisposable
{
    private const int PaddingBytes = 256;
    private readonly OwnedFrames[] _owners;
    private readonly byte[] _padding;
    private int _readersLeft;

    public BlockSlot(int owners)
    {
        Block = new FrameBlock();
        _owners = new OwnedFrames[owners];
        for (var owner = 0; owner < owners; owner++)
        {
            _owners[owner] = new OwnedFrames();
        }

        // Slots are filled by different cores at once: what one writes must not share a cache line with the next one's.
        _padding = new byte[PaddingBytes];
    }

    public FrameBlock Block { get; }

    /// <summary>The block's number in file order; -1 = none.</summary>
    public long Number { get; set; } = -1;

    /// <summary>The worker that decoded it: the others' caches do not hold it.</summary>
    public int DecodedBy { get; set; }

    /// <summary>Starts decoding: all owners have yet to read.</summary>
    public void Begin(int worker)
    {
        Invariant.Check(_padding.Length == PaddingBytes);
        DecodedBy = worker;
        _readersLeft = _owners.Length;
    }

    /// <summary>The frames of one owner.</summary>
    public OwnedFrames Owner(int owner) => _owners[owner];

    /// <summary>One owner is done; true for the last one.</summary>
    public bool ReleaseOne() => Interlocked.Decrement(ref _readersLeft) == 0;

    public void Dispose()
    {
        Block.Dispose();
        Array.ForEach(_owners, o => o.Dispose());
    }
}

/// <summary>The frames of a block that concern one worker's flows, ascending.</summary>
internal sealed class OwnedFrames : IDisposable
{
    // A frame can concern an owner once; an ICMP error two owners, once each.
    private readonly NativeArray<int> _frames = new(Limits.FileBlockFramesMax);
    private readonly NativeArray<FrameLayout> _layouts = new(Limits.FileBlockFramesMax);

    /// <summary>How many there are; set by the decoding worker when it has put the last.</summary>
    public int Count { get; set; }

    /// <summary>The n-th frame's place in the block; its complement when it only quotes one of the owner's packets.</summary>
    public int Frame(int n) => _frames[n];

    public ref readonly FrameLayout Layout(int n) => ref _layouts[n];

    /// <summary>Puts the n-th frame.</summary>
    public void Put(int n, int frame, in FrameLayout layout)
    {
        _frames[n] = frame;
        _layouts[n] = layout;
    }

    public void Dispose()
    {
        _frames.Dispose();
        _layouts.Dispose();
    }
}
