// Blocks of a pcapng file into memory that the caller owns (draft-ietf-opsawg-pcapng). Little-endian, one section, times
// in nanoseconds. Each method writes one whole block at the start of the span and returns its length, a multiple of 4;
// the *Bytes methods say beforehand how much room a block needs. No allocation, no state, any thread.
using System.Buffers.Binary;

namespace Tapline.Base;

/// <summary>Writes pcapng blocks. All lengths in bytes.</summary>
public static class PcapngWriter
{
    public const uint SectionHeader = 0x0A0D0D0A;
    public const uint InterfaceDescription = 1;
    public const uint InterfaceStatistics = 5;
    public const uint EnhancedPacket = 6;

    /// <summary>Type, length, length again: what every block has.</summary>
    public const int BlockFrameBytes = 12;

    /// <summary>Where in a packet block its frame begins.</summary>
    public const int PacketHeaderBytes = 28;

    /// <summary>A section header without its options, of which it has some.</summary>
    public const int SectionHeaderBytes = 24 + EndOfOptionsBytes + sizeof(uint);

    /// <summary>An interface description without its options, of which it has some.</summary>
    public const int InterfaceBytes = 16 + EndOfOptionsBytes + sizeof(uint);

    private const ushort EndOfOptions = 0;
    private const int FlagsOptionBytes = 8;
    private const int EndOfOptionsBytes = 4;

    /// <summary>Length of the packet block that <see cref="WritePacket"/> writes for a frame.</summary>
    public static int PacketBytes(in FrameMeta meta, int frameLength) =>
        PacketHeaderBytes + Pad(frameLength) + FlagsOptionBytes + (FrameFacts.AreNeeded(meta) ? FrameFacts.OptionBytes : 0)
            + EndOfOptionsBytes + sizeof(uint);

    /// <summary>Length of a packet block with ready-made options, of which there may be none.</summary>
    public static int PacketBytes(int frameLength, int optionsLength) =>
        PacketHeaderBytes + Pad(frameLength) + (optionsLength == 0 ? 0 : optionsLength + EndOfOptionsBytes) + sizeof(uint);

    /// <summary>An enhanced packet block that says of its frame what the options say, and nothing else.</summary>
    public static int WritePacket(
        Span<byte> target, uint interfaceId, in FrameMeta meta, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> options)
    {
        WritePacketStart(target, interfaceId, meta, frame.Length);
        frame.CopyTo(target[PacketHeaderBytes..]);
        target[(PacketHeaderBytes + frame.Length)..(PacketHeaderBytes + Pad(frame.Length))].Clear();
        return Finish(target, EnhancedPacket, PacketHeaderBytes + Pad(frame.Length), options);
    }

    /// <summary>An enhanced packet block with the frame's direction and what offloads left undone.</summary>
    public static int WritePacket(Span<byte> target, uint interfaceId, in FrameMeta meta, ReadOnlySpan<byte> frame)
    {
        frame.CopyTo(target[PacketHeaderBytes..]);
        return FinishPacket(target, interfaceId, meta, frame.Length);
    }

    /// <summary>
    /// The same for a frame that stands in its place already, <see cref="PacketHeaderBytes"/> from the block's start.
    /// </summary>
    public static int FinishPacket(Span<byte> target, uint interfaceId, in FrameMeta meta, int frameLength)
    {
        var length = PacketBytes(meta, frameLength);
        var block = target[..length];
        BinaryPrimitives.WriteUInt32LittleEndian(block, EnhancedPacket);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], length);
        WritePacketStart(block, interfaceId, meta, frameLength);
        block[(PacketHeaderBytes + frameLength)..(PacketHeaderBytes + Pad(frameLength))].Clear();

        var options = block[(PacketHeaderBytes + Pad(frameLength))..];
        BinaryPrimitives.WriteUInt32LittleEndian(options, 2 | (4 << 16)); // epb_flags, 4 bytes
        BinaryPrimitives.WriteUInt32LittleEndian(options[4..], PacketFlags(meta));
        options = options[FlagsOptionBytes..];
        if (FrameFacts.AreNeeded(meta))
        {
            FrameFacts.Write(options, meta);
            options = options[FrameFacts.OptionBytes..];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(options, EndOfOptions);
        BinaryPrimitives.WriteInt32LittleEndian(options[EndOfOptionsBytes..], length);
        return length;
    }

    /// <summary>Gives a packet block another interface.</summary>
    public static void SetInterface(Span<byte> block, uint interfaceId) =>
        BinaryPrimitives.WriteUInt32LittleEndian(block[8..], interfaceId);

    /// <summary>A section header block of unknown section length, with ready-made options (may be empty).</summary>
    public static int WriteSectionHeader(Span<byte> target, ReadOnlySpan<byte> options)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], 0x1A2B3C4D); // byte-order magic
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], 1); // version 1.0
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], -1);
        return Finish(target, SectionHeader, 24, options);
    }

    /// <summary>An interface description block without a length limit, with ready-made options.</summary>
    public static int WriteInterface(Span<byte> target, LinkType linkType, ReadOnlySpan<byte> options)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], (ushort)linkType);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], 0);
        return Finish(target, InterfaceDescription, 16, options);
    }

    /// <summary>An interface statistics block, with ready-made options.</summary>
    public static int WriteStatistics(Span<byte> target, uint interfaceId, long timeNs, ReadOnlySpan<byte> options)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], interfaceId);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], (uint)(timeNs >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], (uint)timeNs);
        return Finish(target, InterfaceStatistics, 20, options);
    }

    /// <summary>A block of any type around a ready-made body.</summary>
    public static int WriteBlock(Span<byte> target, uint type, ReadOnlySpan<byte> body)
    {
        Invariant.Check(body.Length % 4 == 0);
        body.CopyTo(target[8..]);
        return Finish(target, type, 8 + body.Length, []);
    }

    /// <summary>One option; returns its padded length.</summary>
    public static int WriteOption(Span<byte> target, ushort code, ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, code);
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], checked((ushort)value.Length));
        value.CopyTo(target[4..]);
        target[(4 + value.Length)..(4 + Pad(value.Length))].Clear();
        return 4 + Pad(value.Length);
    }

    /// <summary>One option with a 64-bit number.</summary>
    public static int WriteOption(Span<byte> target, ushort code, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return WriteOption(target, code, bytes);
    }

    /// <summary>The length padded to the format's 32 bits.</summary>
    public static int Pad(int length) => (length + 3) & ~3;

    // Frames enter the switch at a port: inbound. The host's own leave it: outbound. Bits 9-11 are the draft's words for
    // what offloads left undone (draft-ietf-opsawg-pcapng, epb_flags).
    private static uint PacketFlags(in FrameMeta meta)
    {
        var flags = (meta.Flags & FrameFlags.FromHost) != 0 ? 2u : 1u;
        flags |= (meta.Flags & FrameFlags.HasFcs) != 0 ? 4u << 5 : 0;
        flags |= (meta.Flags & FrameFlags.ChecksumPartial) != 0 ? 1u << 9 : 0;
        flags |= (meta.Flags & FrameFlags.ChecksumVerified) != 0 ? 1u << 10 : 0;
        flags |= meta.GsoType != GsoType.None ? 1u << 11 : 0;
        return flags;
    }

    // Interface, time in ns, both lengths.
    private static void WritePacketStart(Span<byte> block, uint interfaceId, in FrameMeta meta, int frameLength)
    {
        SetInterface(block, interfaceId);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], (uint)(meta.TimestampNs >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[16..], (uint)meta.TimestampNs);
        BinaryPrimitives.WriteInt32LittleEndian(block[20..], frameLength);
        BinaryPrimitives.WriteInt32LittleEndian(block[24..], Math.Max(meta.OriginalLength, frameLength));
    }

    private static int Finish(Span<byte> target, uint type, int position, ReadOnlySpan<byte> options)
    {
        Invariant.Check(options.Length % 4 == 0 && position % 4 == 0);
        options.CopyTo(target[position..]);
        position += options.Length;
        if (options.Length > 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(target[position..], EndOfOptions);
            position += EndOfOptionsBytes;
        }

        var length = position + sizeof(uint);
        BinaryPrimitives.WriteUInt32LittleEndian(target, type);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], length);
        BinaryPrimitives.WriteInt32LittleEndian(target[position..], length);
        return length;
    }
}
