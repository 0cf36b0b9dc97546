// Finished flow records kept until they are printed, in native pieces: the collector never sees them, and a list that
// grows never copies. Sorted by start, then by key, so that the same input gives the same output whoever worked on it.
using Tapline.Base.Native;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>A growing list of flow records. One thread at a time.</summary>
public sealed class RecordList : IDisposable
{
    private const int PieceShift = 12;
    private const int PieceLength = 1 << PieceShift;
    private readonly List<NativeArray<FlowRecord>> _pieces = [];

    public int Count { get; private set; }

    public ref readonly FlowRecord this[int index] => ref _pieces[index >> PieceShift][index & (PieceLength - 1)];

    public void Add(in FlowRecord record)
    {
        if (Count >> PieceShift == _pieces.Count)
        {
            _pieces.Add(new NativeArray<FlowRecord>(PieceLength));
        }

        _pieces[Count >> PieceShift][Count & (PieceLength - 1)] = record;
        Count++;
    }

    /// <summary>Takes all records of another list.</summary>
    public void Add(RecordList other)
    {
        for (var i = 0; i < other.Count; i++)
        {
            Add(other[i]);
        }
    }

    /// <summary>Indices in output order.</summary>
    public int[] Order()
    {
        var order = new int[Count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        Array.Sort(order, (a, b) => FlowOrder.Compare(this[a], this[b]));
        return order;
    }

    public void Dispose() => _pieces.ForEach(p => p.Dispose());
}
