// The hash that shares conversations out among workers: the same both ways, and even.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Decode;
using Xunit;

namespace Tapline.Tests.Decode;

public class AddressHashTests
{
    [Fact]
    public void BothDirectionsHashAlike()
    {
        Gen.Select(Gen.Byte.Array[32], Gen.Int[0, 2]).Sample((bytes, kind) =>
        {
            var length = kind switch { 0 => 8, 1 => 32, _ => 12 };
            byte[] pair = bytes[..length];
            byte[] back = [.. pair[(length / 2)..], .. pair[..(length / 2)]];
            uint Hash(byte[] both) => kind switch
            {
                0 => AddressHash.Ipv4(both),
                1 => AddressHash.Ipv6(both),
                _ => AddressHash.Mac(both),
            };
            return Hash(pair) == Hash(back);
        });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void NeighbouringAddressesSpreadEvenly(int workers)
    {
        const int Pairs = 60_000;
        var ipv4 = new int[workers];
        var ipv6 = new int[workers];
        var mac = new int[workers];
        for (var i = 0; i < Pairs; i++)
        {
            // One server, clients counting up: the plainest traffic there is.
            var pair = new byte[32];
            BinaryPrimitives.WriteUInt32BigEndian(pair, 0x0A00_0001);
            BinaryPrimitives.WriteUInt32BigEndian(pair.AsSpan(4), 0x0A01_0000 + (uint)i);
            ipv4[AddressHash.Ipv4(pair) % (uint)workers]++;
            var six = new byte[32];
            six[15] = 1;
            BinaryPrimitives.WriteUInt32BigEndian(six.AsSpan(28), (uint)i);
            ipv6[AddressHash.Ipv6(six) % (uint)workers]++;
            byte[] macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, (byte)(i >> 16), (byte)(i >> 8), (byte)i];
            mac[AddressHash.Mac(macs) % (uint)workers]++;
        }

        foreach (var counts in new[] { ipv4, ipv6, mac })
        {
            Assert.All(counts, count => Assert.InRange(count, Pairs / workers * 95 / 100, Pairs / workers * 105 / 100));
        }
    }
}
