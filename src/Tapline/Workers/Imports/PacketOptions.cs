// What a capture says of a packet beside its bytes (comments, flags, hashes, drop counts), made ready for a segment: numbers
// little-endian, nothing that contradicts its own length. In: options of a foreign file, hostile. Out: bytes in memory of its
// own, valid until the next call; empty = nothing is said. One thread; allocates when the memory has to grow.
using System.Buffers.Binary;
using Tapline.Base;

namespace Tapline.Workers.Imports;

/// <summary>Takes over the options of packet blocks (draft-ietf-opsawg-pcapng, 4.3).</summary>
internal sealed class PacketOptions
{
    private const ushort Comment = 1;
    private const ushort Flags = 2;
    private const ushort Hash = 3;
    private const ushort DropCount = 4;
    private const ushort PacketId = 5;
    private const ushort Queue = 6;
    private const ushort Verdict = 7;
    private const ushort CustomText = 2988;
    private const uint FcsFlags = 0xf << 5;
    private byte[] _memory = new byte[256];

    /// <summary>Takes what is sound.</summary>
    /// <param name="options">As they stand in the file.</param>
    /// <param name="isBigEndian">The order of their numbers.</param>
    /// <param name="withoutFcs">The frame check sequence was taken off: flags must not announce one.</param>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> options, bool isBigEndian, bool withoutFcs)
    {
        if (options.IsEmpty)
        {
            return [];
        }

        if (_memory.Length < options.Length)
        {
            _memory = new byte[Math.Max(options.Length, 2 * _memory.Length)];
        }

        var length = 0;
        while (options.Length >= 4)
        {
            var code = Read16(options, isBigEndian);
            var bytes = Read16(options[2..], isBigEndian);
            if (code == 0 || PcapngWriter.Pad(bytes) > options.Length - 4)
            {
                break;
            }

            length += Put(_memory.AsSpan(length), code, options.Slice(4, bytes), isBigEndian, withoutFcs);
            options = options[(4 + PcapngWriter.Pad(bytes))..];
        }

        return _memory.AsSpan(0, length);
    }

    private static int Put(Span<byte> target, ushort code, ReadOnlySpan<byte> value, bool isBigEndian, bool withoutFcs)
    {
        var numberBytes = code switch
        {
            Comment or Hash or Verdict => 0,
            Flags or Queue => sizeof(uint),
            DropCount or PacketId => sizeof(ulong),
            CustomText or FrameFacts.OptionCode when value.Length >= sizeof(uint) && !isBigEndian => 0,
            _ => -1,
        };
        if (numberBytes < 0 || (numberBytes > 0 && numberBytes != value.Length))
        {
            return 0;
        }

        var length = PcapngWriter.WriteOption(target, code, value);
        var written = target.Slice(4, value.Length);
        if (numberBytes > 0 && isBigEndian)
        {
            written.Reverse();
        }

        if (code == Flags && withoutFcs)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(written, BinaryPrimitives.ReadUInt32LittleEndian(written) & ~FcsFlags);
        }

        return length;
    }

    private static ushort Read16(ReadOnlySpan<byte> at, bool isBigEndian) => isBigEndian
        ? BinaryPrimitives.ReadUInt16BigEndian(at)
        : BinaryPrimitives.ReadUInt16LittleEndian(at);
}
