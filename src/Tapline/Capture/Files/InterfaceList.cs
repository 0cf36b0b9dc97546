// The interfaces of one capture file, growing while it is read. Written by the reading thread only; readers on other
// threads see an immutable snapshot.
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>Interfaces with their point ids.</summary>
internal sealed class InterfaceList(string fileName, ushort firstPointId)
{
    private FileInterface[] _items = [];
    private int _count;
    private FileInterface[]? _snapshot = [];

    /// <summary>The file's name, for interfaces without one.</summary>
    public string FileName => fileName;

    /// <summary>Interfaces so far.</summary>
    public int Count => _count;

    /// <summary>The id that the next interface will have.</summary>
    public ushort NextPointId => (ushort)(firstPointId + _count);

    /// <summary>True when no further interface may come.</summary>
    public bool IsFull => _count == Limits.FileInterfacesMax || firstPointId + _count > ushort.MaxValue;

    /// <summary>All interfaces so far.</summary>
    public IReadOnlyList<FileInterface> Snapshot
    {
        get
        {
            var snapshot = Volatile.Read(ref _snapshot);
            if (snapshot is null)
            {
                lock (this)
                {
                    snapshot = _items[.._count];
                    Volatile.Write(ref _snapshot, snapshot);
                }
            }

            return snapshot;
        }
    }

    /// <summary>Adds one; the caller has looked at <see cref="IsFull"/>.</summary>
    public void Add(FileInterface item)
    {
        Invariant.Check(!IsFull);
        lock (this)
        {
            if (_count == _items.Length)
            {
                Array.Resize(ref _items, Math.Max(4, _count * 2));
            }

            _items[_count++] = item;
            Volatile.Write(ref _snapshot, null);
        }
    }
}
