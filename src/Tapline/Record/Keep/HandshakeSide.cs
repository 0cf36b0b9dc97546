// How far one direction of an encrypted flow has got. Plain data for native memory: 24 bytes, all zero = nothing seen.
using System.Runtime.InteropServices;

namespace Tapline.Record.Keep;

/// <summary>One direction's way through its handshake.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct HandshakeSide
{
    /// <summary>Bytes of a header that a segment's end has split.</summary>
    [FieldOffset(0)] public ulong Header;

    /// <summary>TCP sequence number of its first payload.</summary>
    [FieldOffset(8)] public uint Start;

    /// <summary>Of the byte that is to come next; once it is over, of the first byte after the handshake.</summary>
    [FieldOffset(12)] public uint Next;

    /// <summary>Bytes that belong to the record under way and are still to come.</summary>
    [FieldOffset(16)] public int Remaining;

    /// <summary>Payload bytes that were taken as handshake.</summary>
    [FieldOffset(20)] public ushort TakenUnits;

    [FieldOffset(22)] public byte HeaderBytes;
    [FieldOffset(23)] public HandshakeStep Step;
}
