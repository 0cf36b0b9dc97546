// An IP address or the network that it begins: 16 bytes as one number, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), and how
// many of the bits count. Pure; any thread.
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tapline.Capture.Identity;

/// <summary>An address with a prefix length; bits beyond it are zero.</summary>
/// <param name="Address">The address read as one big-endian number, IPv4 as ::ffff:a.b.c.d.</param>
/// <param name="LengthBits">Bits that count, 0 to 128; 96 more than written for IPv4.</param>
public readonly record struct IpPrefix(UInt128 Address, byte LengthBits)
{
    private const int AddressBits = 128;
    private const int MappedBits = 96;

    /// <summary>True for one address, false for a network.</summary>
    public bool IsAddress => LengthBits == AddressBits;

    /// <summary>
    /// True for addresses that name no machine beyond its own link or none at all: link-local, loopback, unspecified.
    /// </summary>
    public bool IsNowhere => IsAddress && (
        Address <= 1
        || Cut(Address, 10) == (UInt128)0xfe80 << 112
        || Cut(Address, MappedBits + 16) == Mapped(169, 254)
        || Cut(Address, MappedBits + 8) == Mapped(127, 0)
        || Address == Mapped(0, 0));

    /// <summary>Reads <c>10.0.0.5</c>, <c>10.0.0.0/8</c>, <c>2001:db8::/32</c>; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpPrefix prefix)
    {
        prefix = default;
        var slash = text.IndexOf('/');
        var address = slash < 0 ? text : text[..slash];
        // The runtime also reads "1" and "0x7f.1" as IPv4 addresses and takes zones; nobody means those here.
        if (address.IndexOfAnyExcept("0123456789abcdefABCDEF.:") >= 0 || !IPAddress.TryParse(address, out var parsed)
            || (parsed.AddressFamily == AddressFamily.InterNetwork && address.Count('.') != 3))
        {
            return false;
        }

        var isIpv4 = parsed.AddressFamily == AddressFamily.InterNetwork;
        var length = isIpv4 ? AddressBits - MappedBits : AddressBits;
        if (slash >= 0
            && (!byte.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var given)
                || (length = given) > (isIpv4 ? AddressBits - MappedBits : AddressBits)))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.MapToIPv6().TryWriteBytes(bytes, out _);
        length += isIpv4 ? MappedBits : 0;
        prefix = new IpPrefix(Cut(BinaryPrimitives.ReadUInt128BigEndian(bytes), length), (byte)length);
        return true;
    }

    /// <summary>The address with all bits after the first <paramref name="lengthBits"/> zero.</summary>
    public static UInt128 Cut(UInt128 address, int lengthBits) =>
        lengthBits == 0 ? 0 : address & (UInt128.MaxValue << (AddressBits - lengthBits));

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        var address = new IPAddress(bytes);
        var isIpv4 = address.IsIPv4MappedToIPv6 && LengthBits >= MappedBits;
        var text = isIpv4 ? address.MapToIPv4().ToString() : address.ToString();
        return IsAddress ? text : string.Create(CultureInfo.InvariantCulture, $"{text}/{LengthBits - (isIpv4 ? MappedBits : 0)}");
    }

    private static UInt128 Mapped(byte first, byte second) =>
        ((UInt128)0xffff << 32) | ((uint)first << 24) | ((uint)second << 16);
}
