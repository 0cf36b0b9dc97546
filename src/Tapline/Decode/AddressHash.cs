// A hash of the two ends of a conversation that is the same for both directions: it decides which worker owns the
// conversation, and nothing else (flow tables hash their whole key). Not keyed: an attacker can crowd one worker, which
// the ledger shows, but not one bucket.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Tapline.Decode;

/// <summary>Symmetric address hashes. Pure.</summary>
public static class AddressHash
{
    private const ulong Multiplier1 = 0x9E37_79B9_7F4A_7C15;
    private const ulong Multiplier2 = 0xD6E8_FEB8_6659_FD93;

    /// <summary>Of two IPv4 addresses, given as the eight bytes at offset 12 of the header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Ipv4(ReadOnlySpan<byte> pair)
    {
        var both = BinaryPrimitives.ReadUInt64BigEndian(pair);
        var source = (uint)(both >> 32);
        var destination = (uint)both;
        return Mix(((ulong)Math.Max(source, destination) << 32) | Math.Min(source, destination));
    }

    /// <summary>Of two IPv6 addresses, given as the 32 bytes at offset 8 of the header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Ipv6(ReadOnlySpan<byte> pair)
    {
        var source = Fold(
            BinaryPrimitives.ReadUInt64LittleEndian(pair), BinaryPrimitives.ReadUInt64LittleEndian(pair[8..]));
        var destination = Fold(
            BinaryPrimitives.ReadUInt64LittleEndian(pair[16..]), BinaryPrimitives.ReadUInt64LittleEndian(pair[24..]));
        return Mix(source + destination);
    }

    /// <summary>Of two MAC addresses, given as the first twelve bytes of an Ethernet header.</summary>
    public static uint Mac(ReadOnlySpan<byte> pair)
    {
        var destination = BinaryPrimitives.ReadUInt64BigEndian(pair) >> 16;
        var source = BinaryPrimitives.ReadUInt64BigEndian(pair[4..]) & 0xFFFF_FFFF_FFFF;
        return Mix((destination * Multiplier2) + (source * Multiplier2) + (destination ^ source));
    }

    private static ulong Fold(ulong high, ulong low)
    {
        var x = (high * Multiplier2) ^ low;
        x ^= x >> 29;
        return x * Multiplier1;
    }

    private static uint Mix(ulong x)
    {
        x ^= x >> 32;
        x *= Multiplier1;
        x ^= x >> 29;
        x *= Multiplier2;
        return (uint)(x >> 32);
    }
}
