// An IP address as 16 plain bytes, so that records are blittable. IPv4 is kept as ::ffff:a.b.c.d.
using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Tapline.Store;

/// <summary>An IPv4 or IPv6 address in network byte order; all zero = none.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public readonly struct IpAddress16(ulong high, ulong low) : IEquatable<IpAddress16>
{
    /// <summary>First 8 bytes of the address read big-endian.</summary>
    public readonly ulong High = high;

    /// <summary>Last 8 bytes read big-endian.</summary>
    public readonly ulong Low = low;

    private const ulong MappedPrefix = 0x0000_ffff_0000_0000;

    public bool IsNone => High == 0 && Low == 0;

    public bool IsIpv4 => High == 0 && (Low >> 32) == 0xffff;

    public static IpAddress16 FromIpv4(uint hostOrder) => new(0, MappedPrefix | hostOrder);

    public static IpAddress16 FromIpv6(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    public bool Equals(IpAddress16 other) => High == other.High && Low == other.Low;

    public override bool Equals(object? obj) => obj is IpAddress16 other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(High, Low);

    public static bool operator ==(IpAddress16 left, IpAddress16 right) => left.Equals(right);

    public static bool operator !=(IpAddress16 left, IpAddress16 right) => !left.Equals(right);

    /// <summary>The usual text; allocates, for output only.</summary>
    public override string ToString() => ToIPAddress().ToString();

    /// <summary>For interoperation with the runtime; allocates.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
        return IsIpv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes);
    }
}
