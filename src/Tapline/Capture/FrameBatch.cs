// A lease on frames: metadata in one array, addresses of the bytes in another. Reused for the life of a worker.
using System.Runtime.CompilerServices;
using Tapline.Base;

namespace Tapline.Capture;

/// <summary>Up to <see cref="Limits.BatchFramesMax"/> borrowed frames. Used by one worker thread only.</summary>
public sealed unsafe class FrameBatch
{
    private readonly FrameMeta[] _metas = GC.AllocateArray<FrameMeta>(Limits.BatchFramesMax, pinned: true);
    private readonly nint[] _addresses = GC.AllocateArray<nint>(Limits.BatchFramesMax, pinned: true);

    /// <summary>Frames in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>True when no further frame fits.</summary>
    public bool IsFull => Count == Limits.BatchFramesMax;

    /// <summary>The frame's metadata.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref FrameMeta Meta(int index) => ref _metas[index];

    /// <summary>The frame's captured bytes, valid until the source's Release.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Bytes(int index) => new((void*)_addresses[index], _metas[index].CapturedLength);

    /// <summary>Empties the batch. Called by the source only.</summary>
    internal void Clear() => Count = 0;

    /// <summary>Appends one frame and returns its metadata to be filled. Called by the source only.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref FrameMeta Add(byte* bytes)
    {
        var index = Count++;
        _addresses[index] = (nint)bytes;
        return ref _metas[index];
    }
}
