// What one name of an expression stands for at one moment: a bit for each observation point, and sorted MAC addresses.
namespace Tapline.Filter.Matching;

/// <summary>Points and MAC addresses.</summary>
internal sealed class NameSet
{
    private readonly ulong[] _points = new ulong[(ushort.MaxValue + 1) / 64];
    private ulong[] _macAddresses = [];

    public void Add(IEnumerable<ushort> points)
    {
        foreach (var point in points)
        {
            _points[point / 64] |= 1ul << (point % 64);
        }
    }

    public void Add(IReadOnlyList<ulong> macAddresses)
    {
        _macAddresses = [.. _macAddresses, .. macAddresses];
        Array.Sort(_macAddresses);
    }

    public bool HasPoint(ushort point) => (_points[point / 64] & (1ul << (point % 64))) != 0;

    public bool HasMac(ulong address) => Array.BinarySearch(_macAddresses, address) >= 0;
}
