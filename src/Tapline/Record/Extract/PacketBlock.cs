// An enhanced packet block of a segment as frame and facts. In: a whole block of hostile bytes. Pure.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>Reads packet blocks.</summary>
internal static class PacketBlock
{
    private const int OptionFlags = 2;
    private const int FcsShift = 5;
    private const int FcsMask = 0xf;

    /// <summary>The interface it names; null when the block is none.</summary>
    public static uint? Interface(ReadOnlySpan<byte> block) =>
        block.Length >= PcapngWriter.PacketHeaderBytes + 4 ? BinaryPrimitives.ReadUInt32LittleEndian(block[8..]) : null;

    /// <summary>The time in the interface's units.</summary>
    public static long Time(ReadOnlySpan<byte> block) => (long)(
        ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(block[12..]) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(block[16..]));

    /// <summary>The frame in a block that <see cref="TryRead"/> has read.</summary>
    public static ReadOnlySpan<byte> Frame(ReadOnlySpan<byte> block) =>
        block.Slice(PcapngWriter.PacketHeaderBytes, BinaryPrimitives.ReadInt32LittleEndian(block[20..]));

    /// <summary>The options of such a block, without their end mark.</summary>
    public static ReadOnlySpan<byte> Options(ReadOnlySpan<byte> block)
    {
        var options = block[Math.Min(PcapngWriter.PacketHeaderBytes + PcapngWriter.Pad(Frame(block).Length), block.Length - 4)..^4];
        var length = 0;
        while (options.Length - length >= 4 && BinaryPrimitives.ReadUInt16LittleEndian(options[length..]) != 0)
        {
            var bytes = 4 + PcapngWriter.Pad(BinaryPrimitives.ReadUInt16LittleEndian(options[(length + 2)..]));
            if (bytes > options.Length - length)
            {
                break;
            }

            length += bytes;
        }

        return options[..length];
    }

    /// <summary>Reads lengths and options; false when the block contradicts itself.</summary>
    public static bool TryRead(ReadOnlySpan<byte> block, ExtractPoint point, out FrameMeta meta)
    {
        meta = default;
        var captured = BinaryPrimitives.ReadUInt32LittleEndian(block[20..]);
        if (captured > Limits.FrameBytesMax || captured > (uint)(block.Length - PcapngWriter.PacketHeaderBytes - 4))
        {
            return false;
        }

        var original = BinaryPrimitives.ReadUInt32LittleEndian(block[24..]);
        meta.TimestampNs = TimeNs(Time(block), point.UnitNs);
        meta.CapturedLength = (int)captured;
        meta.OriginalLength = Math.Max((int)Math.Min(original, int.MaxValue / 2), (int)captured);
        meta.PointId = point.Id;
        meta.LinkType = point.LinkType;
        var options = block[Math.Min(PcapngWriter.PacketHeaderBytes + PcapngWriter.Pad((int)captured), block.Length - 4)..^4];
        if (options.Length >= 8 && BinaryPrimitives.ReadUInt16LittleEndian(options) == OptionFlags)
        {
            var flags = BinaryPrimitives.ReadUInt32LittleEndian(options[4..]);
            meta.Flags |= ((flags >> FcsShift) & FcsMask) != 0 ? FrameFlags.HasFcs : 0;
            meta.Flags |= (flags & 3) == 2 ? FrameFlags.FromHost : 0;
        }

        FrameFacts.TryRead(options, ref meta);
        return true;
    }

    /// <summary>A time in nanoseconds; what does not fit is put at the end of what does.</summary>
    public static long TimeNs(long units, long unitNs)
    {
        var ns = (Int128)units * unitNs;
        return ns > long.MaxValue ? long.MaxValue : ns < long.MinValue ? long.MinValue : (long)ns;
    }
}
