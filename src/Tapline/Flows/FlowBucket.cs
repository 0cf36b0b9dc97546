// One cache line of the index: twelve one-byte tags compared at once, twelve entry numbers.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tapline.Flows;

/// <summary>A bucket of the index. 64 bytes.</summary>
/// <remarks>
/// <code>
///  0 Tags 12        top bits of the hash, never 0; 0 = free place
/// 12 Overflow 1     entries that wanted to live here and live in their second bucket (saturates at 255)
/// 13 unused 3
/// 16 Slots 12 × 4   entry numbers
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FlowBucket
{
    public const int Places = 12;
    private const uint PlacesMask = (1u << Places) - 1;
    private const int OverflowByte = 12;

    [InlineArray(16)]
    private struct TagBytes
    {
        private byte _first;
    }

    [InlineArray(Places)]
    private struct SlotNumbers
    {
        private int _first;
    }

    private TagBytes _tags;
    private SlotNumbers _slots;

    /// <summary>Bit i is set when place i may hold the hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Candidates(byte tag) =>
        Vector128.Equals(Vector128.Create<byte>(_tags), Vector128.Create(tag)).ExtractMostSignificantBits() & PlacesMask;

    /// <summary>Bit i is set when place i is free.</summary>
    public readonly uint Free => Candidates(0);

    /// <summary>Entries that had to go to their second bucket.</summary>
    public byte Overflow
    {
        readonly get => _tags[OverflowByte];
        set => _tags[OverflowByte] = value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Slot(int place) => _slots[place];

    public void Set(int place, byte tag, int slot)
    {
        _tags[place] = tag;
        _slots[place] = slot;
    }

    public void Clear(int place) => _tags[place] = 0;

    /// <summary>The place that holds <paramref name="slot"/> under <paramref name="tag"/>, or -1.</summary>
    public readonly int PlaceOf(byte tag, int slot)
    {
        for (var candidates = Candidates(tag); candidates != 0; candidates &= candidates - 1)
        {
            var place = System.Numerics.BitOperations.TrailingZeroCount(candidates);
            if (_slots[place] == slot)
            {
                return place;
            }
        }

        return -1;
    }
}
