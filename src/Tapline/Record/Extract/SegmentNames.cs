// What names in an expression can mean in one segment: its own descriptions of points beside the machines of the whole query. An index
// calls points by the recorder's numbers and by what they were last; only where each description of the segment is exactly
// one point of the index can flows be refused by their points. One thread.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Filter.Tree;
using Tapline.Record.Index;

namespace Tapline.Record.Extract;

/// <summary>Names in one segment.</summary>
internal sealed class SegmentNames
{
    private readonly JudgeNames _names;
    private readonly List<(string Name, string Description)> _points = [];

    /// <summary>For a segment with these blocks.</summary>
    public SegmentNames(JudgeNames names, IReadOnlyList<byte[]> descriptions)
    {
        _names = names;
        foreach (var block in descriptions)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(block) == PcapngWriter.InterfaceDescription)
            {
                _points.Add(ExtractPoints.Names(block));
            }
        }
    }

    /// <summary>MAC addresses that the term can mean.</summary>
    public ulong[] Macs(FilterNode term) => _names.Macs(term);

    /// <summary>True when the term can mean a point of the segment.</summary>
    public bool MayHavePoint(FilterNode term) => _points.Exists(p => _names.CanMean(term, p.Name, p.Description));

    /// <summary>Which points of the index the term can mean, by number.</summary>
    public bool[] Points(FilterNode term, SegmentIndex index)
    {
        var points = new bool[ushort.MaxValue + 1];
        if (!MayHavePoint(term))
        {
            return points;
        }

        var isExact = true;
        foreach (var described in _points)
        {
            isExact &= _points.Count(p => p == described) == 1
                && index.Points.Count(p => p.Name == described.Name && p.Description == described.Description) == 1;
        }

        if (!isExact)
        {
            Array.Fill(points, true);
            return points;
        }

        foreach (var point in index.Points)
        {
            points[point.Id] = _names.CanMean(term, point.Name, point.Description);
        }

        return points;
    }
}
