// Interface index → point id, read by workers for each frame whose interface differs from the frame's before.
// Immutable and swapped whole by the control threads, so that readers need no lock. Entries of interfaces that have
// gone stay until their frames must have left the rings.
using System.Runtime.CompilerServices;

namespace Tapline.Capture.Ring;

/// <summary>An immutable open-addressing table.</summary>
internal sealed class PointTable
{
    private readonly int[] _interfaces;
    private readonly ushort[] _points;
    private readonly uint _mask;

    /// <summary>Builds the table from pairs; the last of equal indices wins.</summary>
    public PointTable(IReadOnlyCollection<(int InterfaceIndex, ushort PointId)> entries)
    {
        var size = 16;
        while (size < entries.Count * 2)
        {
            size *= 2;
        }

        _interfaces = new int[size];
        _points = new ushort[size];
        _mask = (uint)size - 1;
        foreach (var (index, point) in entries)
        {
            var slot = Slot(index);
            while (_interfaces[slot] != 0 && _interfaces[slot] != index)
            {
                slot = (slot + 1) & _mask;
            }

            _interfaces[slot] = index;
            _points[slot] = point;
        }
    }

    /// <summary>A table without points.</summary>
    public static PointTable Empty { get; } = new([]);

    /// <summary>The point of an interface; 0 when it is not known.</summary>
    public ushort Find(int interfaceIndex)
    {
        var slot = Slot(interfaceIndex);
        while (_interfaces[slot] != 0)
        {
            if (_interfaces[slot] == interfaceIndex)
            {
                return _points[slot];
            }

            slot = (slot + 1) & _mask;
        }

        return 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Slot(int interfaceIndex) => ((uint)interfaceIndex * 0x9E3779B1u >> 8) & _mask;
}
