// The link header as the tool's network wants it: other MAC addresses, one more tag (IEEE 802.1Q, 802.1ad). In: the
// frame in memory of the session, with room in front. Out: the frame, which may begin four bytes earlier. Pure.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Mirror.Shape;

/// <summary>Rewrites the link header.</summary>
internal static class LinkRewrite
{
    /// <summary>Bytes that a tag takes, and that must be free in front of the frame.</summary>
    public const int TagBytes = 4;

    private const int MacBytes = 6;

    /// <summary>Writes the plan's MAC addresses.</summary>
    public static void Macs(ShapePlan plan, Span<byte> frame)
    {
        if (plan.DestinationMac is { } destination)
        {
            Write(frame[..MacBytes], destination);
        }

        if (plan.SourceMac is { } source)
        {
            Write(frame[MacBytes..(2 * MacBytes)], source);
        }
    }

    /// <summary>Puts the plan's tag on. <paramref name="room"/> is the frame with the free bytes in front.</summary>
    public static void Tag(uint tag, Span<byte> room, ref FrameMeta meta)
    {
        room.Slice(TagBytes, 2 * MacBytes).CopyTo(room);
        BinaryPrimitives.WriteUInt32BigEndian(room[(2 * MacBytes)..], tag);
        meta.OriginalLength += TagBytes;
        meta.CapturedLength = room.Length;
        if ((meta.Flags & FrameFlags.ChecksumPartial) != 0)
        {
            meta.ChecksumStart += TagBytes;
        }
    }

    private static void Write(Span<byte> field, ulong mac)
    {
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)(mac >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(field[2..], (uint)mac);
    }
}
