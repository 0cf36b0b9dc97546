// The points of a query's answer, collected from the interface blocks of all segments: equal descriptions are one point.
// In: blocks of hostile bytes. Bounded by the number of interfaces that an answer can describe. One thread.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>Collects points. One thread.</summary>
internal sealed class ExtractPoints
{
    private const int OptionsAt = 16;
    private readonly Dictionary<string, ExtractPoint> _known = [];
    private readonly List<ExtractPoint> _points = [];

    public IReadOnlyList<ExtractPoint> All => _points;

    /// <summary>The point of an interface block; null when it cannot be read or the answer has too many.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="isNew">True at its first sight.</param>
    public ExtractPoint? Find(ReadOnlySpan<byte> block, out bool isNew)
    {
        isNew = false;
        if (block.Length < OptionsAt + 4)
        {
            return null;
        }

        var key = Convert.ToBase64String(block[8..^4]);
        if (_known.TryGetValue(key, out var point))
        {
            return point;
        }

        point = _points.Count < Limits.SegmentInterfacesMax ? Parse(block) : null;
        if (point is not null)
        {
            isNew = true;
            _points.Add(point);
            _known.Add(key, point);
        }

        return point;
    }

    /// <summary>Name and description in an interface block; empty where it has none.</summary>
    public static (string Name, string Description) Names(ReadOnlySpan<byte> block)
    {
        _ = Options(block, out var name, out var description, out _);
        return (name, description);
    }

    private ExtractPoint? Parse(ReadOnlySpan<byte> block)
    {
        var length = Options(block, out var name, out var description, out var resolution);

        // Units of 10^-n seconds down to nanoseconds: what tools write. Others are refused, not guessed.
        return resolution > 9 ? null : new ExtractPoint(
            (ushort)_points.Count,
            name,
            description,
            (LinkType)BinaryPrimitives.ReadUInt16LittleEndian(block[8..]),
            block.Slice(OptionsAt, length).ToArray())
        {
            UnitNs = (long)Math.Pow(10, 9 - resolution),
        };
    }

    // Returns the length of the options that are whole.
    private static int Options(ReadOnlySpan<byte> block, out string name, out string description, out byte resolution)
    {
        name = "";
        description = "";
        resolution = 6;
        var length = 0;
        var options = block.Length < OptionsAt + 4 ? [] : block[OptionsAt..^4];
        while (options.Length - length >= 4)
        {
            var code = BinaryPrimitives.ReadUInt16LittleEndian(options[length..]);
            int bytes = BinaryPrimitives.ReadUInt16LittleEndian(options[(length + 2)..]);
            if (code == 0 || PcapngWriter.Pad(bytes) > options.Length - length - 4)
            {
                break;
            }

            var value = options.Slice(length + 4, bytes);
            name = code == 2 ? Encoding.UTF8.GetString(value) : name;
            description = code == 3 ? Encoding.UTF8.GetString(value) : description;
            resolution = code == 9 && bytes > 0 ? value[0] : resolution;
            length += 4 + PcapngWriter.Pad(bytes);
        }

        return length;
    }
}
