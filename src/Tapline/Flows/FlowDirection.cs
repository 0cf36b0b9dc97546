// What the table must know of one side of a flow for every frame: one cache line. Whatever changes seldom is in
// DirectionHealth. TCP's memory follows tshark's (`nextseq`, `lastack`, …): its counts are what engineers compare with.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Flows;

/// <summary>Hot state of one direction: counters and TCP sequence memory. One cache line.</summary>
/// <remarks>
/// <code>
///  0 Bytes 8 | 8 PayloadBytes 8 | 16 LastNs 8      time of this side's latest frame, 0 = none yet
/// 24 NextSeqNs 8                                   when NextSeq last moved
/// 32 NextSeq 4                                     highest sequence end seen; 0 = none yet
/// 36 MaxSeqToBeAcked 4                             highest end without a hole before it
/// 40 LastAck 4                                     acknowledgment field of the latest segment
/// 44 SampleSeq 4 | 48 SampleTime 4                 segment being timed for the round trip (units of 16 ns; 0 = none)
/// 52 Frames 4 | 56 Pushes 4
/// 60 Window 2                                      window field of the latest segment, unscaled
/// 62 DuplicateAcks 1                               run of duplicate ACKs; 255 = run broken by an ACK of unseen data
/// 63 Flags 1                                       low nibble window scale (15 unknown), high nibble DirectionFlags
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct FlowDirection
{
    public long Bytes;
    public long PayloadBytes;
    public long LastNs;
    public long NextSeqNs;
    public uint NextSeq;
    public uint MaxSeqToBeAcked;
    public uint LastAck;
    public uint SampleSeq;
    public uint SampleTime;
    public uint Frames;
    public uint Pushes;
    public ushort Window;
    public byte DuplicateAcks;
    public byte Flags;

    public const byte ScaleUnknown = 15;
    public const byte WindowKnown = 0x10;
    public const byte LastWasKeepAlive = 0x20;
    public const byte LastWasZeroWindowProbe = 0x40;
    public const byte AwaitsFirstAck = 0x80;
    public const byte RunBroken = 255;

    /// <summary>Window shift, or <see cref="ScaleUnknown"/> when no SYN told it.</summary>
    public byte WindowScale
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        readonly get => (byte)(Flags & 0x0f);
        set => Flags = (byte)((Flags & 0xf0) | value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Has(byte flag) => (Flags & flag) != 0;
}
