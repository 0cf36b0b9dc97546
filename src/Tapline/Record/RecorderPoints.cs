// All points of one recorder: their descriptions as ready-made option bytes, their counts over the window of the segment
// under way. Descriptions are made when a point appears; everything else is plain numbers in native memory.
using System.Buffers.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Store;

namespace Tapline.Record;

/// <summary>The points that a recorder has met. One thread.</summary>
internal sealed class RecorderPoints : IDisposable
{
    private readonly NativeArray<RecorderPoint> _points = new(Limits.PointsMax);
    private readonly ushort[] _touched = new ushort[Limits.PointsMax];
    private readonly byte[]?[] _options = new byte[]?[Limits.PointsMax];
    private readonly string? _filter;
    private readonly byte[] _unknownOptions = new byte[256];
    private readonly NativeArray<long> _places = new(PlacesBlock.PlacesMax);
    private int _touchedCount;
    private int _placeCount;

    public RecorderPoints(string? filter)
    {
        _filter = filter;
        for (var point = 0; point < _points.Length; point++)
        {
            _points[point].Interface = -1;
        }
    }

    /// <summary>Interfaces described in the segment under way.</summary>
    public int Interfaces { get; private set; }

    /// <summary>Points with anything to tell of the window.</summary>
    public ReadOnlySpan<ushort> Touched => _touched.AsSpan(0, _touchedCount);

    /// <summary>Where in the segment under way interfaces and machines are described; empty when they were too many.</summary>
    public ReadOnlySpan<long> Places => _placeCount > PlacesBlock.PlacesMax ? [] : _places.Span[.._placeCount];

    public ref RecorderPoint this[int point] => ref _points[point];

    /// <summary>Takes a point's description; its next frame gets an interface of its own. Allocates.</summary>
    public void Describe(PointInfo point)
    {
        _options[point.Id] = PcapngOptions.Interface(point.Name, point.Description, point.SpeedBitsPerSecond, _filter);
        _points[point.Id].Interface = -1;
    }

    /// <summary>Notes that the window has something to tell of the point.</summary>
    public ref RecorderPoint Touch(int point)
    {
        ref var entry = ref _points[point];
        if (!entry.IsTouched)
        {
            entry.IsTouched = true;
            _touched[_touchedCount++] = (ushort)point;
        }

        return ref entry;
    }

    /// <summary>Length of the interface block that <see cref="WriteInterface"/> would write.</summary>
    public int InterfaceBytes(int point) => 16 + OptionsOf(point).Length + 8;

    /// <summary>Notes the place of a description in the segment under way.</summary>
    public void AddPlace(long offset)
    {
        if (_placeCount < PlacesBlock.PlacesMax)
        {
            _places[_placeCount] = offset;
        }

        _placeCount = Math.Min(_placeCount + 1, PlacesBlock.PlacesMax + 1);
    }

    /// <summary>Describes the point in the segment under way; returns the block's length.</summary>
    public int WriteInterface(Span<byte> target, int point, LinkType linkType, long offset)
    {
        AddPlace(offset);
        var length = PcapngWriter.WriteInterface(target, linkType, OptionsOf(point));
        _points[point].Interface = Interfaces++;
        _points[point].LinkType = linkType;
        return length;
    }

    /// <summary>The segment has ended with its ledger: the next window begins with nothing but cumulative counts.</summary>
    public void NextWindow()
    {
        foreach (var point in Touched)
        {
            ref var entry = ref _points[point];
            entry = new RecorderPoint
            {
                Interface = -1,
                RingDrops = entry.RingDrops,
                RingDropsBefore = entry.RingDrops,
                LostBefore = entry.LostBefore,
            };
        }

        _touchedCount = 0;
        _placeCount = 0;
        Interfaces = 0;
    }

    /// <summary>The segment was given up without a ledger: what else the window has to tell waits for the next one.</summary>
    public void ForgetSegment()
    {
        foreach (var point in Touched)
        {
            ref var entry = ref _points[point];
            entry.Interface = -1;
            entry.Recorded = 0;
            entry.RecordedBytes = 0;
            entry.Cut = 0;
            entry.Sliced = 0;
        }

        _placeCount = 0;
        Interfaces = 0;
    }

    public void Dispose()
    {
        _points.Dispose();
        _places.Dispose();
    }

    private ReadOnlySpan<byte> OptionsOf(int point)
    {
        if (_options[point] is { } known)
        {
            return known;
        }

        Span<byte> name = stackalloc byte[16];
        "point-"u8.CopyTo(name);
        Invariant.Check(Utf8Formatter.TryFormat(point, name[6..], out var digits));
        var length = PcapngWriter.WriteOption(_unknownOptions, 2, name[..(6 + digits)]);
        length += PcapngWriter.WriteOption(_unknownOptions.AsSpan(length), 9, [9]);
        return _unknownOptions.AsSpan(0, length);
    }
}
