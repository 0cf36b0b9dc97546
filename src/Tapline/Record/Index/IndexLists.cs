// The sorted lists of addresses that columns refer to by place, place 0 = none. In: the sections' bytes, hostile.
// addresses: varint n of IPv4, each the varint difference to the one before; varint n of others, 16 bytes each, rising.
// MACs: varint n, each the varint difference.
using System.Buffers.Binary;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Reads and searches sorted addresses. Pure.</summary>
internal static class IndexLists
{
    private const ulong Mapped = 0x0000_ffff_0000_0000;
    private const int AddressBytes = 16;

    /// <summary>The addresses with "none" in front; null when the section is not whole.</summary>
    public static IpAddress16[]? TryReadAddresses(ReadOnlySpan<byte> source)
    {
        if (!Varint.TryRead(ref source, source.Length, out int count))
        {
            return null;
        }

        var addresses = new List<IpAddress16> { default };
        ulong value = 0;
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, out var step) || (value += step) > uint.MaxValue || step > uint.MaxValue)
            {
                return null;
            }

            addresses.Add(IpAddress16.FromIpv4((uint)value));
        }

        if (!Varint.TryRead(ref source, source.Length, out count) || source.Length != (long)count * AddressBytes)
        {
            return null;
        }

        for (; !source.IsEmpty; source = source[AddressBytes..])
        {
            addresses.Add(IpAddress16.FromIpv6(source[..AddressBytes]));
        }

        return [.. addresses];
    }

    /// <summary>The MAC addresses with "none" in front; null when the section is not whole.</summary>
    public static ulong[]? TryReadMacs(ReadOnlySpan<byte> source)
    {
        if (!Varint.TryRead(ref source, source.Length, out int count))
        {
            return null;
        }

        var macs = new ulong[count + 1];
        for (var i = 1; i <= count; i++)
        {
            if (!Varint.TryRead(ref source, out var step))
            {
                return null;
            }

            macs[i] = macs[i - 1] + step;
        }

        return source.IsEmpty ? macs : null;
    }

    /// <summary>Order of the list: IPv4 before all others.</summary>
    public static int Compare(IpAddress16 left, IpAddress16 right)
    {
        var order = right.IsIpv4.CompareTo(left.IsIpv4);
        order = order != 0 ? order : left.High.CompareTo(right.High);
        return order != 0 ? order : left.Low.CompareTo(right.Low);
    }

    /// <summary>Place of an address; 0 = it is not in the list.</summary>
    public static int Find(ReadOnlySpan<IpAddress16> addresses, IpAddress16 wanted)
    {
        var (low, high) = (1, addresses.Length - 1);
        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            var order = Compare(addresses[middle], wanted);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return 0;
    }

    /// <summary>Place of a MAC address; 0 = it is not in the list.</summary>
    public static int Find(ReadOnlySpan<ulong> macs, ulong wanted)
    {
        var place = macs.Length == 0 ? -1 : macs[1..].BinarySearch(wanted);
        return place < 0 ? 0 : place + 1;
    }

    /// <summary>An IPv4 address as the list stores it.</summary>
    public static uint Ipv4Of(IpAddress16 address) => (uint)(address.Low & ~Mapped);

    public static void WriteOther(Span<byte> target, IpAddress16 address)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, address.High);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], address.Low);
    }
}
