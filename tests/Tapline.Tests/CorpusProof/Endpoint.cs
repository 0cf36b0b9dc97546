// One end of a conversation as tshark names it.
using System.Net;
using System.Net.Sockets;
using Tapline.Store;

namespace Tapline.Tests.CorpusProof;

/// <summary>Address and port.</summary>
internal readonly record struct Endpoint(IpAddress16 Address, ushort Port) : IComparable<Endpoint>
{
    public static Endpoint Parse(string address, string port)
    {
        var ip = IPAddress.Parse(address);
        var bytes = ip.GetAddressBytes();
        var value = ip.AddressFamily == AddressFamily.InterNetwork
            ? IpAddress16.FromIpv4(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : IpAddress16.FromIpv6(bytes);
        return new Endpoint(value, ushort.Parse(port, System.Globalization.CultureInfo.InvariantCulture));
    }

    public int CompareTo(Endpoint other)
    {
        var high = Address.High.CompareTo(other.Address.High);
        var low = high != 0 ? high : Address.Low.CompareTo(other.Address.Low);
        return low != 0 ? low : Port.CompareTo(other.Port);
    }

    public override string ToString() => Address.IsIpv4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}
