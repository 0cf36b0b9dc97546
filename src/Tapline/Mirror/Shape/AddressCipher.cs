// Prefix-preserving, keyed anonymisation of IP addresses: the Crypto-PAn construction (Xu, Fan, Ammar, Moon: "Prefix-
// preserving IP address anonymization", ICNP 2002). Two addresses that share their first n bits share exactly n bits
// afterwards, nobody without the key can go back, who has the key can. Bit i is flipped by the first bit of
// AES(first i bits of the address, filled up with secret bits).
//
// Unless the plan wants it as published, ranges that protocols give a meaning are mapped to themselves: on the way to
// such a range no bit is flipped, which keeps the mapping a bijection and prefix-preserving, and tells of each address
// how far it goes along with such a range. One owner (a worker's session), one thread; allocates in the constructor
// only. Addresses seen lately are remembered in a table of fixed size.
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Tapline.Mirror.Shape;

/// <summary>Maps addresses forth and back.</summary>
public sealed class AddressCipher : IDisposable
{
    /// <summary>Bytes of a key: 16 for AES, 16 for the filling bits.</summary>
    public const int KeyBytes = 32;

    private const int BlockBytes = 16;
    private const int AddressBitsMax = 128;
    private const int CacheEntries = 4096;

    // 0.0.0.0/8, 127/8, 169.254/16, 224/4 and the limited broadcast; the link-local range itself is mapped within.
    private static readonly Special[] s_special4 =
    [
        Special.Ipv4(0x0000_0000, 8, true), Special.Ipv4(0x7F00_0000, 8, true), Special.Ipv4(0xA9FE_0000, 16, false),
        Special.Ipv4(0xE000_0000, 4, true), Special.Ipv4(0xFFFF_FFFF, 32, true),
    ];

    // ::/127 (unspecified, loopback), fe80::/10 and solicited-node groups (mapped within), all other groups.
    private static readonly Special[] s_special6 =
    [
        new(0, 127, true), new((UInt128)0xFE80 << 112, 10, false), new((UInt128)0xFF << 120, 8, true),
    ];

    private static readonly Special s_solicitedNode = new(((UInt128)0xFF02 << 112) | 0x1_FF00_0000, 104, false);

    private readonly Aes _aes;
    private readonly ICryptoTransform _encryptor;
    private readonly byte[] _input = new byte[BlockBytes * AddressBitsMax];
    private readonly byte[] _output = new byte[BlockBytes * AddressBitsMax];
    private readonly (uint From, uint To)[] _cache4 = new (uint, uint)[CacheEntries];
    private readonly (UInt128 From, UInt128 To)[] _cache6 = new (UInt128, UInt128)[CacheEntries];
    private readonly UInt128 _pad;
    private readonly bool _keepsSpecial;

    /// <summary>A cipher under a key of <see cref="KeyBytes"/> bytes.</summary>
    public AddressCipher(ReadOnlySpan<byte> key, bool keepsSpecial)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyBytes);
        _keepsSpecial = keepsSpecial;
        _aes = Aes.Create();
        _aes.Key = key[..BlockBytes].ToArray();
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _encryptor = _aes.CreateEncryptor();
        _pad = BinaryPrimitives.ReadUInt128BigEndian(_aes.EncryptEcb(key[BlockBytes..], PaddingMode.None));

        // An entry that says "0 becomes what 0 becomes" is true, so that empty places need no mark.
        Array.Fill(_cache4, (0u, Map4(0)));
        Array.Fill(_cache6, (UInt128.Zero, Map(0, AddressBitsMax)));
    }

    /// <summary>The pseudonym of the IPv4 address.</summary>
    public uint Hide(uint address)
    {
        ref var entry = ref _cache4[(address * 0x9E37_79B9) >> 20];
        if (entry.From != address)
        {
            entry = (address, Map4(address));
        }

        return entry.To;
    }

    /// <summary>The pseudonym of the IPv6 address.</summary>
    public UInt128 Hide(UInt128 address)
    {
        var mixed = ((ulong)address * 0x9E37_79B9_7F4A_7C15) ^ ((ulong)(address >> 64) * 0xD6E8_FEB8_6659_FD93);
        ref var entry = ref _cache6[(mixed * 0x9E37_79B9_7F4A_7C15) >> 52];
        if (entry.From != address)
        {
            entry = (address, Map(address, AddressBitsMax));
        }

        return entry.To;
    }

    /// <summary>The IPv4 address behind the pseudonym.</summary>
    public uint Reveal(uint pseudonym) => (uint)(Unmap((UInt128)pseudonym << 96, 32) >> 96);

    /// <summary>The IPv6 address behind the pseudonym.</summary>
    public UInt128 Reveal(UInt128 pseudonym) => Unmap(pseudonym, AddressBitsMax);

    public void Dispose()
    {
        _encryptor.Dispose();
        _aes.Dispose();
    }

    private uint Map4(uint address) => (uint)(Map((UInt128)address << 96, 32) >> 96);

    // The address stands in the upper bits. All blocks are known at once, so they are encrypted in one call.
    private UInt128 Map(UInt128 address, int bits)
    {
        for (var i = 0; i < bits; i++)
        {
            WriteBlock(address, i, _input.AsSpan(i * BlockBytes));
        }

        _encryptor.TransformBlock(_input, 0, bits * BlockBytes, _output, 0);
        var flips = UInt128.Zero;
        for (var i = 0; i < bits; i++)
        {
            flips |= (UInt128)(uint)(_output[i * BlockBytes] >> 7) << (127 - i);
        }

        return address ^ (_keepsSpecial ? flips & ~Kept(address, bits) : flips);
    }

    // Backwards one bit needs those before it, so it is one block after the other.
    private UInt128 Unmap(UInt128 pseudonym, int bits)
    {
        var address = UInt128.Zero;
        for (var i = 0; i < bits; i++)
        {
            WriteBlock(address, i, _input);
            _encryptor.TransformBlock(_input, 0, BlockBytes, _output, 0);
            var flip = (UInt128)(uint)(_output[0] >> 7) << (127 - i);
            flip = _keepsSpecial ? flip & ~Kept(address, bits) : flip;
            address |= (pseudonym ^ flip) & (UInt128.One << (127 - i));
        }

        return address;
    }

    private void WriteBlock(UInt128 address, int prefixBits, Span<byte> block)
    {
        var prefix = Prefix(prefixBits);
        BinaryPrimitives.WriteUInt128BigEndian(block, (address & prefix) | (_pad & ~prefix));
    }

    // Bits that are not flipped. Bit i depends on the bits before it only, as all of the construction must.
    private static UInt128 Kept(UInt128 address, int bits)
    {
        var kept = UInt128.Zero;
        foreach (var special in bits == 32 ? s_special4 : s_special6)
        {
            kept |= special.Kept(address);
        }

        // Below ff02::1:ff00:0/104 stand the last bits of somebody's address.
        return bits != 32 && s_solicitedNode.SharedBits(address) >= 104 ? kept & Prefix(104) : kept;
    }

    private static UInt128 Prefix(int bits) => bits == 0 ? UInt128.Zero : UInt128.MaxValue << (128 - bits);

    private readonly record struct Special(UInt128 Range, int Bits, bool KeepsInside)
    {
        public static Special Ipv4(uint range, int bits, bool keepsInside) => new((UInt128)range << 96, bits, keepsInside);

        public int SharedBits(UInt128 address) => (int)UInt128.LeadingZeroCount(address ^ Range);

        // Bit i stays when the i bits before it lie on the way to the range, or in it.
        public UInt128 Kept(UInt128 address)
        {
            var shared = SharedBits(address);
            return shared >= Bits ? KeepsInside ? UInt128.MaxValue : Prefix(Bits) : Prefix(shared + 1);
        }
    }
}
