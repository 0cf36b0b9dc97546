// ERSPAN types I, II and III (draft-foschiano-erspan-03), GRE included. In: facts of a frame. Out: 4, 16, 20 or 28 bytes,
// then comes the frame. Pure; any thread.
//
//   I    GRE without sequence, 0x88BE
//   II   GRE with sequence, 0x88BE | version 1: 4 bits, VLAN 12 | COS 3, En 2, T 1, session 10 | reserved 12, index 20
//   III  GRE with sequence, 0x22EB | version 2: 4 bits, VLAN 12 | COS 3, BSO 2, T 1, session 10 | timestamp 32
//        | SGT 16 | P 1, frame type 5, hardware id 6, D 1, Gra 2, O 1
//        [ | platform 5: 6 bits, switch id 10 | port 16 | seconds 32 ]
//
// En is 3: the tag is preserved in the frame, 0: there is none. The index of type II is point * 2 + direction. The
// timestamp of type III counts 100 ns and comes round every 429 s; with the platform subheader it is the nanoseconds of
// an IEEE 1588 time whose seconds stand there. The hardware id is the point's low six bits.
using System.Buffers.Binary;

namespace Tapline.Mirror.Encapsulate;

/// <summary>Writes GRE and ERSPAN headers.</summary>
internal static class ErspanHeader
{
    public const ushort ProtocolOneOrTwo = 0x88BE;
    public const ushort ProtocolThree = 0x22EB;
    public const int OneBytes = GreHeader.Bytes;
    public const int TwoBytes = GreHeader.WithFieldBytes + 8;
    public const int ThreeBytes = GreHeader.WithFieldBytes + 12;
    public const int SubheaderBytes = 8;
    public const uint SessionIdMax = 0x3FF;

    private const int VersionTwo = 0x1000;
    private const int VersionThree = 0x2000;
    private const int VlanMask = 0x0FFF;
    private const int PriorityShift = 13;
    private const int TagPreserved = 3 << 11;
    private const int Truncated = 1 << 10;
    private const int IsEthernet = 1 << 15;
    private const int HardwareIdMask = 0x3F;
    private const int HardwareIdShift = 4;
    private const int Egress = 1 << 3;
    private const int HundredNanoseconds = 1 << 1;
    private const int Ieee1588 = 2 << 1;
    private const int HasSubheader = 1;
    private const int Platform = 5 << 10;
    private const long SecondNs = 1_000_000_000;

    /// <summary>Type I: nothing but GRE.</summary>
    public static void WriteOne(Span<byte> to) => GreHeader.Write(to, ProtocolOneOrTwo);

    /// <summary>Type II.</summary>
    public static void WriteTwo(Span<byte> to, in ErspanFacts facts)
    {
        GreHeader.WriteNumbered(to, ProtocolOneOrTwo, facts.Sequence);
        WriteFirstWord(to[8..], VersionTwo, facts.IsTagged ? TagPreserved : 0, facts);
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], ((uint)facts.PointId << 1) | (facts.IsEgress ? 1u : 0u));
    }

    /// <summary>Type III, with the platform subheader when <paramref name="withSubheader"/>.</summary>
    public static void WriteThree(Span<byte> to, in ErspanFacts facts, bool withSubheader)
    {
        GreHeader.WriteNumbered(to, ProtocolThree, facts.Sequence);
        WriteFirstWord(to[8..], VersionThree, 0, facts);
        var time = withSubheader ? facts.TimestampNs % SecondNs : facts.TimestampNs / 100;
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], (uint)time);
        BinaryPrimitives.WriteUInt16BigEndian(to[16..], 0);
        var flags = IsEthernet | ((facts.PointId & HardwareIdMask) << HardwareIdShift) | (facts.IsEgress ? Egress : 0)
            | (withSubheader ? Ieee1588 | HasSubheader : HundredNanoseconds);
        BinaryPrimitives.WriteUInt16BigEndian(to[18..], (ushort)flags);
        if (withSubheader)
        {
            BinaryPrimitives.WriteUInt16BigEndian(to[20..], Platform);
            BinaryPrimitives.WriteUInt16BigEndian(to[22..], facts.PointId);
            BinaryPrimitives.WriteUInt32BigEndian(to[24..], (uint)(facts.TimestampNs / SecondNs));
        }
    }

    private static void WriteFirstWord(Span<byte> to, int version, int bits, in ErspanFacts facts)
    {
        var priority = facts.IsTagged ? facts.Tag >> PriorityShift : 0;
        BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)(version | (facts.IsTagged ? facts.Tag & VlanMask : 0)));
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], (ushort)((priority << PriorityShift) | bits
            | (facts.IsTruncated ? Truncated : 0) | (facts.SessionId & (int)SessionIdMax)));
    }
}
