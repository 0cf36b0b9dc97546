// The free buffers of a recorder: put back by the writer's thread, taken by the worker's. The worker takes the one that came back
// last, which is warm in the processor's cache; so those that only a slow disk brings into use are never touched until one does,
// and cost no memory before.
using Tapline.Base;

namespace Tapline.Record.Io;

/// <summary>A stack of buffers' indices with one putting and one taking thread. Allocates nothing after its start.</summary>
internal sealed class FreeBuffers
{
    private readonly HandoverRing _returned;
    private readonly int[] _stack;
    private int _depth;

    /// <summary>Makes a stack of all buffers but the first, which is in use from the start.</summary>
    public FreeBuffers(int buffers)
    {
        _returned = new HandoverRing(buffers);
        _stack = new int[buffers];
        for (var index = buffers - 1; index > 0; index--)
        {
            _stack[_depth++] = index;
        }
    }

    /// <summary>Free buffers. Taking thread.</summary>
    public int Count => _depth + _returned.Count;

    /// <summary>Gives one back. Putting thread.</summary>
    public void Put(int index) => _returned.Put(index);

    /// <summary>Takes the one that was used last; false when none is free. Taking thread.</summary>
    public bool TryTake(out int index)
    {
        while (_returned.TryTake(out index))
        {
            _stack[_depth++] = index;
        }

        index = _depth > 0 ? _stack[--_depth] : -1;
        return index >= 0;
    }
}
