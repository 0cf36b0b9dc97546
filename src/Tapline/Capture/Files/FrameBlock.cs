// A large piece of a capture file with its frames marked: native bytes, metadata and positions. A reader fills it,
// anybody may read it from any thread until the owner has it filled again. Memory is allocated once per block and
// reused, so a few blocks in turn let several workers decode one file while it is read.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Capture.Files;

/// <summary>Up to <see cref="Limits.FileBlockFramesMax"/> frames in one native buffer.</summary>
public sealed unsafe class FrameBlock : IDisposable
{
    private readonly NativeArray<FrameMeta> _metas = new(Limits.FileBlockFramesMax);
    private readonly NativeArray<int> _offsets = new(Limits.FileBlockFramesMax);
    private readonly NativeArray<PacketText> _texts = new(Limits.FileBlockFramesMax);
    private byte* _bytes;
    private int _origin;

    /// <summary>Allocates a block that holds at least the largest record.</summary>
    public FrameBlock(int capacityBytes = Limits.FileBlockBytes)
    {
        Invariant.Check(capacityBytes >= Limits.FileRecordBytesMax);
        CapacityBytes = capacityBytes;
        _bytes = (byte*)NativePages.Allocate((nuint)capacityBytes);
    }

    /// <summary>Counts the blocks of one reader from 0 in file order.</summary>
    public long Sequence { get; internal set; }

    /// <summary>Frames in the block.</summary>
    public int Count { get; private set; }

    /// <summary>Size of the buffer.</summary>
    public int CapacityBytes { get; }

    /// <summary>The frame's metadata.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref FrameMeta Meta(int index) => ref _metas[index];

    /// <summary>The frame's captured bytes, valid until the block is filled again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Bytes(int index) => new(Start + _offsets[index], _metas[index].CapturedLength);

    /// <summary>What the file's packet block says of the frame beside its bytes, as its options stand there; empty = nothing. Valid like
    /// the frame's bytes.</summary>
    /// <param name="index">The frame.</param>
    /// <param name="isBigEndian">The order of their numbers.</param>
    public ReadOnlySpan<byte> Options(int index, out bool isBigEndian)
    {
        ref readonly var text = ref _texts[index];
        isBigEndian = text.IsBigEndian;
        return new(Start + text.Offset, text.Bytes);
    }

    /// <summary>
    /// Asks for the cache line at an offset of a frame that another core has decoded; any offset is allowed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(int index, int offset)
    {
        if (System.Runtime.Intrinsics.X86.Sse.IsSupported)
        {
            System.Runtime.Intrinsics.X86.Sse.Prefetch0(Start + _offsets[index] + offset);
        }
    }

    /// <summary>Frees the memory; nobody may use the block any more.</summary>
    public void Dispose()
    {
        var bytes = _bytes;
        _bytes = null;
        if (bytes != null)
        {
            NativePages.Free(bytes, (nuint)CapacityBytes);
            _metas.Dispose();
            _offsets.Dispose();
            _texts.Dispose();
        }
    }

    /// <summary>Bytes that a read-ahead put at <see cref="AheadStart"/>; fewer than asked for = the file ends there.</summary>
    internal int AheadLength { get; set; }

    /// <summary>Why a read-ahead failed; null when it did not.</summary>
    internal string? AheadFault { get; set; }

    /// <summary>Where a read-ahead puts its bytes: behind room for the longest unfinished record.</summary>
    internal byte* AheadStart => _bytes + CapacityBytes - Limits.FileReadBytes;

    internal bool IsFull => Count == Limits.FileBlockFramesMax;

    /// <summary>The first byte of what is walked; frames' offsets count from here.</summary>
    internal byte* Start => _bytes + _origin;

    internal void Clear(int origin = 0)
    {
        Count = 0;
        _origin = origin;
    }

    /// <summary>Appends the frame whose bytes lie at <paramref name="offset"/>; its metadata is to be filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref FrameMeta Add(int offset)
    {
        var index = Count++;
        _offsets[index] = offset;
        _texts[index] = default;
        return ref _metas[index];
    }

    /// <summary>Notes where the last frame's options lie.</summary>
    internal void SetOptions(int offset, int bytes, bool isBigEndian) =>
        _texts[Count - 1] = new PacketText { Offset = offset, Bytes = bytes, IsBigEndian = isBigEndian };

    /// <summary>Address of a frame's bytes, for the simple source's batches.</summary>
    internal byte* Address(int index) => Start + _offsets[index];

    private struct PacketText
    {
        public int Offset;
        public int Bytes;
        public bool IsBigEndian;
    }
}
