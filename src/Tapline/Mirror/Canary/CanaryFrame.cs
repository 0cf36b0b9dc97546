// The frame that proves a mirror session: it enters by one of the session's points like any other and must come out at its
// target. Its destination is an address that no bridge ever forwards, so the tapped machines never see it. Pure.
//
//  0  destination 01:80:c2:00:00:01 (IEEE 802.1D-2004 table 7-10: not forwarded by bridges; Linux: br_handle_frame drops it)
//  6  source      02:54:41:50:ss:ss (locally administered; ss = session)
// 12  EtherType   0x88b5 (IEEE Std 802: Local Experimental Ethertype 1)
// 14  "TAPLINE canary" 0x00 0x01
// 30  session     2 bytes, big-endian like all numbers
// 32  number      8 bytes
// 40  secret      8 bytes, drawn by the engine: nobody else can make one
// 48  zeros up to the 60 bytes of a shortest frame
using System.Buffers.Binary;

namespace Tapline.Mirror.Canary;

/// <summary>Writes and knows canaries.</summary>
public static class CanaryFrame
{
    /// <summary>EtherType.</summary>
    public const ushort EtherType = 0x88B5;

    /// <summary>Length without FCS.</summary>
    public const int Bytes = 60;

    /// <summary>Upper half of a canary's mark (skb->mark) inside the host; the lower half is its session.</summary>
    public const uint MarkPrefix = 0x5441_0000;

    private const int SessionAt = 30;
    private const int NumberAt = 32;
    private const int SecretAt = 40;

    /// <summary>The mark under which a session's canaries enter.</summary>
    public static uint MarkOf(ushort session) => MarkPrefix | session;

    /// <summary>Writes a canary of <see cref="Bytes"/> bytes.</summary>
    public static void Write(Span<byte> frame, ushort session, long number, ulong secret)
    {
        frame = frame[..Bytes];
        frame.Clear();
        ReadOnlySpan<byte> head = [0x01, 0x80, 0xc2, 0, 0, 1, 0x02, 0x54, 0x41, 0x50];
        head.CopyTo(frame);
        BinaryPrimitives.WriteUInt16BigEndian(frame[10..], session);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], EtherType);
        "TAPLINE canary\0\u0001"u8.CopyTo(frame[14..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[SessionAt..], session);
        BinaryPrimitives.WriteInt64BigEndian(frame[NumberAt..], number);
        BinaryPrimitives.WriteUInt64BigEndian(frame[SecretAt..], secret);
    }

    /// <summary>True when the frame is a canary of the engine with that secret (0 = of none).</summary>
    public static bool TryRead(ReadOnlySpan<byte> frame, ulong secret, out ushort session, out long number)
    {
        (session, number) = (0, 0);
        if (secret == 0 || frame.Length < Bytes || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != EtherType
            || BinaryPrimitives.ReadUInt64BigEndian(frame[SecretAt..]) != secret)
        {
            return false;
        }

        session = BinaryPrimitives.ReadUInt16BigEndian(frame[SessionAt..]);
        number = BinaryPrimitives.ReadInt64BigEndian(frame[NumberAt..]);
        return true;
    }
}
