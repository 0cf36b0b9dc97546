// The texts of one index: names of the points that its flows refer to, and of the machines at the flows' ends, as they are
// known when the index is written. A point names its machine, else the MAC address does, else the IP address, as in a
// spool batch. In: points and names of the recorder. Out: the section's bytes. Writer's thread; used again for each index.
using System.Text;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Collects the names of one index.</summary>
internal sealed class NameCollector
{
    private const int References = 5;
    private readonly Dictionary<string, int> _references = new(StringComparer.Ordinal);
    private readonly List<string> _texts = [];
    private readonly List<ushort> _points = [];
    private readonly bool[] _hasPoint = new bool[ushort.MaxValue + 1];
    private readonly PointInfo?[] _unknown = new PointInfo?[ushort.MaxValue + 1];
    private PointInfo?[] _known = [];
    private IEndpointNames? _names;

    /// <summary>Texts that name machines.</summary>
    public HashSet<string> Machines { get; } = new(StringComparer.Ordinal);

    /// <summary>Points that flows refer to.</summary>
    public int PointCount => _points.Count;

    /// <summary>One of them.</summary>
    public PointInfo Point(int place)
    {
        var id = _points[place];
        return (id < _known.Length ? Volatile.Read(ref _known[id]) : null)
            ?? (_unknown[id] ??= new PointInfo(id, $"point-{id}", "port"));
    }

    /// <summary>Begins an index.</summary>
    /// <param name="points">Points by id, as far as they are known.</param>
    /// <param name="names">Who the ends are where no point tells; null = nobody knows.</param>
    public void Begin(PointInfo?[] points, IEndpointNames? names)
    {
        _references.Clear();
        _texts.Clear();
        _points.Clear();
        Array.Clear(_hasPoint);
        Machines.Clear();
        _known = points;
        _names = names;
    }

    /// <summary>A reference to the machine at one end of a flow; 0 = unknown.</summary>
    public int Machine(ushort point, ulong mac, IpAddress16 ip)
    {
        Note(point);
        if (point < _known.Length && _known[point]?.Vm is { } vm)
        {
            return Reference(vm, isMachine: true);
        }

        if (_names is null || (point != ushort.MaxValue && _names.IsNamed(point)))
        {
            return 0;
        }

        return ((mac != 0 ? _names.OfMac(mac) : null) ?? (ip.IsNone ? null : _names.OfAddress(ip))) is { } name
            ? Reference(name, isMachine: true)
            : 0;
    }

    /// <summary>Flows refer to this point; 65535 = none.</summary>
    public void Note(ushort point)
    {
        if (point != ushort.MaxValue && !_hasPoint[point])
        {
            _hasPoint[point] = true;
            _points.Add(point);
        }
    }

    /// <summary>Writes the section.</summary>
    public void Write(ByteSink target)
    {
        _points.Sort();
        Span<int> references = stackalloc int[References];
        for (var place = 0; place < _points.Count; place++)
        {
            Refer(Point(place), references);
        }

        target.AddVarint((ulong)_texts.Count);
        foreach (var text in _texts)
        {
            target.AddVarint((ulong)Encoding.UTF8.GetByteCount(text));
            target.Advance(Encoding.UTF8.GetBytes(text, target.Room(IndexNames.TextBytesMax)));
        }

        target.AddVarint((ulong)_points.Count);
        for (var place = 0; place < _points.Count; place++)
        {
            Refer(Point(place), references);
            target.AddVarint(_points[place]);
            foreach (var reference in references)
            {
                target.AddVarint((ulong)reference);
            }
        }
    }

    private void Refer(PointInfo point, Span<int> references)
    {
        references[0] = Reference(point.Name);
        references[1] = Reference(point.Kind);
        references[2] = Reference(point.Switch);
        references[3] = Reference(point.Vm);
        references[4] = Reference(point.VmId);
    }

    private int Reference(string? text, bool isMachine = false)
    {
        if (string.IsNullOrEmpty(text))
        {
            return 0;
        }

        if (!_references.TryGetValue(text, out var reference))
        {
            _texts.Add(Shortened(text));
            _references[text] = reference = _texts.Count;
        }

        if (isMachine)
        {
            Machines.Add(_texts[reference - 1]);
        }

        return reference;
    }

    // At most what a reader takes, and whole characters.
    private static string Shortened(string text)
    {
        var length = Math.Min(text.Length, IndexNames.TextBytesMax);
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, length)) > IndexNames.TextBytesMax)
        {
            length--;
        }

        return text[..(length > 0 && length < text.Length && char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}
