// The interfaces of a stream: one for each observation point, made when its first packet comes, with the machine behind it
// in words. A point that becomes another machine's gets a new interface; packets before keep the old one. Numbers are the
// stream's, the same for all its receivers; each receiver is given the descriptions that it lacks. The stream's thread;
// allocates when a point appears or changes, and then only.
using Tapline.Base;

namespace Tapline.Mirror.Streams;

/// <summary>Interface numbers by point, and their blocks.</summary>
/// <param name="points">Knows the points; null = they have numbers only.</param>
/// <param name="expression">The session's filter, stated with each interface.</param>
internal sealed class StreamInterfaces(IStreamPoints? points, string? expression)
{
    private readonly Entry?[] _entries = new Entry?[Limits.PointsMax];
    private readonly List<byte[]> _blocks = [];
    private int _generation;

    private sealed record Entry(int Number, StreamPoint Point, LinkType LinkType);

    /// <summary>Interfaces described so far.</summary>
    public int Count => _blocks.Count;

    /// <summary>The whole description block of an interface.</summary>
    public ReadOnlySpan<byte> Block(int number) => _blocks[number];

    /// <summary>Length of the descriptions from this number on.</summary>
    public int BytesFrom(int number)
    {
        var bytes = 0;
        for (; number < _blocks.Count; number++)
        {
            bytes += _blocks[number].Length;
        }

        return bytes;
    }

    /// <summary>Number of the point's interface, which is made when there is none.</summary>
    public int Of(ushort point, LinkType linkType)
    {
        var entry = _entries[point];
        return entry is not null && (entry.LinkType == linkType || Count >= Limits.StreamInterfacesMax)
            ? entry.Number
            : Add(point, linkType, Describe(point));
    }

    /// <summary>Number of the point's interface; -1 when it has none yet.</summary>
    public int Find(int point) => _entries[point]?.Number ?? -1;

    /// <summary>Looks whether points have become others; cheap as long as nothing has changed.</summary>
    public void Follow()
    {
        if (points is null || points.Generation == _generation)
        {
            return;
        }

        _generation = points.Generation;
        for (var point = 0; point < _entries.Length; point++)
        {
            if (_entries[point] is { } entry && Count < Limits.StreamInterfacesMax
                && Describe((ushort)point) is var now && now != entry.Point)
            {
                Add((ushort)point, entry.LinkType, now);
            }
        }
    }

    /// <summary>A new file begins: it describes what appears in it.</summary>
    public void Clear()
    {
        Array.Clear(_entries);
        _blocks.Clear();
    }

    private StreamPoint Describe(ushort point) => points?.Find(point) ?? new StreamPoint($"point-{point}", "");

    private int Add(ushort point, LinkType linkType, StreamPoint described)
    {
        var options = PcapngOptions.Interface(described.Name, described.Description, 0, expression);
        var block = new byte[PcapngWriter.InterfaceBytes + options.Length];
        var length = PcapngWriter.WriteInterface(block, linkType, options);
        Invariant.Check(length == block.Length);
        _entries[point] = new Entry(_blocks.Count, described, linkType);
        _blocks.Add(block);
        return _blocks.Count - 1;
    }
}
