// One thing that flows can be asked for, with the hash under which a segment's filter knows it. Values only; any thread.
// The hash is part of the format: splitmix64's finaliser over kind and value, FNV-1a over a text's UTF-8 bytes before it.
using System.Text;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>A key: kind and value.</summary>
public readonly struct IndexKey
{
    private const ulong FnvOffset = 0xcbf2_9ce4_8422_2325;
    private const int StackBytesMax = 1024;
    private const ulong FnvPrime = 0x0000_0100_0000_01b3;

    private IndexKey(IndexKeyKind kind, ulong low, ulong high = 0, string? text = null)
    {
        Kind = kind;
        Low = low;
        High = high;
        Text = text;
        Hash = Mix(Mix(low ^ ((ulong)kind << 56)) ^ high ^ (ulong)kind);
    }

    public IndexKeyKind Kind { get; }

    /// <summary>The number; of an address its last 8 bytes.</summary>
    public ulong Low { get; }

    /// <summary>Of an address its first 8 bytes.</summary>
    public ulong High { get; }

    /// <summary>The name, where the key is one.</summary>
    public string? Text { get; }

    /// <summary>What the filter goes by.</summary>
    internal ulong Hash { get; }

    public static IndexKey Address(IpAddress16 address) => new(IndexKeyKind.Address, address.Low, address.High);

    public static IndexKey Port(ushort port) => new(IndexKeyKind.Port, port);

    /// <summary>A MAC address as a 48-bit number.</summary>
    public static IndexKey Mac(ulong mac) => new(IndexKeyKind.Mac, mac);

    public static IndexKey Vlan(ushort vlan) => new(IndexKeyKind.Vlan, vlan);

    public static IndexKey Vni(uint vni) => new(IndexKeyKind.Vni, vni);

    public static IndexKey App(ushort appId) => new(IndexKeyKind.App, appId);

    public static IndexKey Protocol(ushort protocol) => new(IndexKeyKind.Protocol, protocol);

    public static IndexKey Vm(string name) => OfText(IndexKeyKind.Vm, name);

    public static IndexKey Point(string name) => OfText(IndexKeyKind.Point, name);

    public static IndexKey ServerName(string name) => OfText(IndexKeyKind.ServerName, name);

    private static IndexKey OfText(IndexKeyKind kind, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var bytesMax = Encoding.UTF8.GetMaxByteCount(text.Length);
        var bytes = bytesMax <= StackBytesMax ? stackalloc byte[StackBytesMax] : new byte[bytesMax];
        var hash = FnvOffset;
        foreach (var value in bytes[..Encoding.UTF8.GetBytes(text, bytes)])
        {
            hash = (hash ^ value) * FnvPrime;
        }

        return new IndexKey(kind, hash, 0, text);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58_476d_1ce4_e5b9;
        value = (value ^ (value >> 27)) * 0x94d0_49bb_1331_11eb;
        return value ^ (value >> 31);
    }
}
