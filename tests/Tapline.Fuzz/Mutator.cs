// Changes bytes the way that breaks parsers: flipped bits, edge values where lengths stand, cut tails, repeated and
// missing pieces, two inputs spliced. The same seed gives the same inputs.
using System.Buffers.Binary;

namespace Tapline.Fuzz;

/// <summary>A seeded source of mutated inputs.</summary>
public sealed class Mutator(int seed)
{
    private static readonly uint[] s_edges =
        [0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 19, 20, 24, 39, 40, 127, 128, 255, 256, 1500, 1501, 0x7FFF, 0x8000, 0xFFFF,
            0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF];

    private readonly Random _random = new(seed);

    /// <summary>A mutation of one of the inputs.</summary>
    public byte[] Next(IReadOnlyList<byte[]> inputs)
    {
        var bytes = (byte[])inputs[_random.Next(inputs.Count)].Clone();
        for (var changes = 1 + _random.Next(6); changes > 0; changes--)
        {
            bytes = bytes.Length == 0 ? [0] : Change(bytes, inputs);
        }

        return bytes;
    }

    private byte[] Change(byte[] bytes, IReadOnlyList<byte[]> inputs)
    {
        // Headers lie in front: half of the changes go to the first 128 bytes.
        var reach = _random.Next(2) == 0 ? Math.Min(bytes.Length, 128) : bytes.Length;
        var at = _random.Next(reach);
        switch (_random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                return bytes;
            case 2:
                Edge(bytes.AsSpan(at));
                return bytes;
            case 3:
                return bytes[..at];
            case 4:
                var gone = Math.Min(bytes.Length - at, 1 + _random.Next(16));
                return [.. bytes[..at], .. bytes[(at + gone)..]];
            case 5:
                var again = bytes.AsSpan(at, Math.Min(bytes.Length - at, 1 + _random.Next(64)));
                return bytes.Length > 1 << 20 ? bytes : [.. bytes[..at], .. again, .. bytes[at..]];
            case 6:
                var other = inputs[_random.Next(inputs.Count)];
                return [.. bytes[..at], .. other[_random.Next(other.Length + 1)..]];
            default:
                var from = _random.Next(bytes.Length);
                var length = Math.Min(8, Math.Min(bytes.Length - from, bytes.Length - at));
                bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(at));
                return bytes;
        }
    }

    private void Edge(Span<byte> place)
    {
        var value = s_edges[_random.Next(s_edges.Length)];
        var little = _random.Next(2) == 0;
        switch (_random.Next(3))
        {
            case 0 when place.Length >= 4 && little: BinaryPrimitives.WriteUInt32LittleEndian(place, value); break;
            case 0 when place.Length >= 4: BinaryPrimitives.WriteUInt32BigEndian(place, value); break;
            case 1 when place.Length >= 2 && little: BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)value); break;
            case 1 when place.Length >= 2: BinaryPrimitives.WriteUInt16BigEndian(place, (ushort)value); break;
            default: place[0] = (byte)value; break;
        }
    }
}
