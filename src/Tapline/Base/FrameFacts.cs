// What offloads left undone in a frame, as a custom option of its pcapng packet block, so that a recording can be
// re-segmented and its checksums completed later. Written by the recorder, read by the file reader; both know it from
// here. Tapline has no enterprise number registered with IANA: the option carries RFC 5612's number for documentation and
// begins with a magic of its own; a reader checks both. docs/formats/segment.md draws it.
using System.Buffers.Binary;

namespace Tapline.Base;

/// <summary>The frame facts option. Pure; any thread; no allocation.</summary>
public static class FrameFacts
{
    /// <summary>Code, length, enterprise number, facts.</summary>
    public const int OptionBytes = 4 + ValueBytes;

    /// <summary>Custom option with binary data that may be copied with its packet.</summary>
    public const ushort OptionCode = 2989;

    /// <summary>RFC 5612: reserved for documentation.</summary>
    public const uint EnterpriseNumber = 32473;

    private const int ValueBytes = 20;
    private const uint Magic = 0x0101_4C54; // "TL", kind 1, version 1
    private const FrameFlags KeptFlags = FrameFlags.ChecksumPartial | FrameFlags.ChecksumVerified
        | FrameFlags.VlanRestored | FrameFlags.FromHost | FrameFlags.HardwareTimestamp | FrameFlags.Cut;

    /// <summary>True when the frame is not what a wire would carry, or was cut, so that its facts must travel with it.</summary>
    public static bool AreNeeded(in FrameMeta meta) =>
        meta.GsoType != GsoType.None || (meta.Flags & (FrameFlags.ChecksumPartial | FrameFlags.Cut)) != 0;

    /// <summary>Writes the whole option, <see cref="OptionBytes"/> long.</summary>
    public static void Write(Span<byte> target, in FrameMeta meta)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target, OptionCode);
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], ValueBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], EnterpriseNumber);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[12..], meta.GsoSize);
        target[14] = (byte)meta.GsoType;
        target[15] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(target[16..], meta.GsoHeaderLength);
        BinaryPrimitives.WriteUInt16LittleEndian(target[18..], meta.ChecksumStart);
        BinaryPrimitives.WriteUInt16LittleEndian(target[20..], meta.ChecksumOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(target[22..], (ushort)(meta.Flags & KeptFlags));
    }

    /// <summary>Takes the facts out of a packet block's options (little-endian); leaves the rest of the frame's facts alone.</summary>
    /// <returns>False when the options hold none.</returns>
    public static bool TryRead(ReadOnlySpan<byte> options, ref FrameMeta meta)
    {
        while (options.Length >= 4)
        {
            var code = BinaryPrimitives.ReadUInt16LittleEndian(options);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(options[2..]);
            var padded = 4 + ((length + 3) & ~3);
            if (code == 0 || padded > options.Length)
            {
                return false;
            }

            if (code == OptionCode && length == ValueBytes
                && BinaryPrimitives.ReadUInt32LittleEndian(options[4..]) == EnterpriseNumber
                && BinaryPrimitives.ReadUInt32LittleEndian(options[8..]) == Magic)
            {
                Take(options, ref meta);
                return true;
            }

            options = options[padded..];
        }

        return false;
    }

    private static void Take(ReadOnlySpan<byte> option, ref FrameMeta meta)
    {
        var type = (GsoType)option[14];
        if ((type & ~GsoType.Ecn) is GsoType.Tcpv4 or GsoType.Tcpv6 or GsoType.Udp or GsoType.UdpL4)
        {
            meta.GsoType = type;
            meta.GsoSize = BinaryPrimitives.ReadUInt16LittleEndian(option[12..]);
        }

        meta.GsoHeaderLength = BinaryPrimitives.ReadUInt16LittleEndian(option[16..]);
        meta.ChecksumStart = BinaryPrimitives.ReadUInt16LittleEndian(option[18..]);
        meta.ChecksumOffset = BinaryPrimitives.ReadUInt16LittleEndian(option[20..]);
        meta.Flags |= (FrameFlags)BinaryPrimitives.ReadUInt16LittleEndian(option[22..]) & KeptFlags;
    }
}
