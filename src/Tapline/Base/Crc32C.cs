// CRC-32C (Castagnoli, RFC 3385): polynomial 0x1EDC6F41 reflected, start and final XOR 0xffffffff. The CPU's own
// instruction where there is one, a table elsewhere. Pure; any thread.
using System.Buffers.Binary;
using System.Runtime.Intrinsics.X86;

namespace Tapline.Base;

/// <summary>The checksum that guards spool batches.</summary>
public static class Crc32C
{
    private const uint ReflectedPolynomial = 0x82f6_3b78;
    private static readonly uint[] s_table = BuildTable();

    /// <summary>The checksum of <paramref name="bytes"/>; pass an earlier result to continue over further bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes, uint previous = 0) =>
        Sse42.X64.IsSupported ? ~Hardware(bytes, ~previous) : ~Software(bytes, ~previous);

    internal static uint Hardware(ReadOnlySpan<byte> bytes, uint state)
    {
        ulong wide = state;
        while (bytes.Length >= sizeof(ulong))
        {
            wide = Sse42.X64.Crc32(wide, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        state = (uint)wide;
        foreach (var value in bytes)
        {
            state = Sse42.Crc32(state, value);
        }

        return state;
    }

    internal static uint Software(ReadOnlySpan<byte> bytes, uint state)
    {
        foreach (var value in bytes)
        {
            state = s_table[(byte)(state ^ value)] ^ (state >> 8);
        }

        return state;
    }

    private static uint[] BuildTable()
    {
        var table = new uint[256];
        for (uint index = 0; index < 256; index++)
        {
            var value = index;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? (value >> 1) ^ ReflectedPolynomial : value >> 1;
            }

            table[index] = value;
        }

        return table;
    }
}
