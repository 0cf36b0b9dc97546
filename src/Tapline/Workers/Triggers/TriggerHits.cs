// Hits on their way from a worker to the trigger desk: a ring of copies in native memory, one writer, one reader, no lock and no
// wait. When it is full, hits are only counted: the desk is told that there were more than it could look at.
using Tapline.Base.Native;

namespace Tapline.Workers.Triggers;

/// <summary>Carries hits of one worker.</summary>
internal sealed class TriggerHits : IDisposable
{
    private const int Capacity = 64;
    private readonly NativeArray<TriggerHit> _hits = new(Capacity);
    private long _written;
    private long _read;
    private long _overflowed;

    /// <summary>Hits that found no room. Any thread.</summary>
    public long Overflowed => Volatile.Read(ref _overflowed);

    /// <summary>The place of the next hit, to be filled and then published; false when there is none. Worker's thread.</summary>
    public bool TryPlace(out int place)
    {
        place = (int)(_written % Capacity);
        if (_written - Volatile.Read(ref _read) < Capacity)
        {
            return true;
        }

        Volatile.Write(ref _overflowed, _overflowed + 1);
        return false;
    }

    /// <summary>The hit at a place.</summary>
    public ref TriggerHit At(int place) => ref _hits[place];

    /// <summary>The place filled last is the reader's. Worker's thread.</summary>
    public void Publish() => Volatile.Write(ref _written, _written + 1);

    /// <summary>Takes the oldest hit; false when there is none. The desk's thread.</summary>
    public bool TryTake(out TriggerHit hit)
    {
        if (_read == Volatile.Read(ref _written))
        {
            hit = default;
            return false;
        }

        hit = _hits[(int)(_read % Capacity)];
        Volatile.Write(ref _read, _read + 1);
        return true;
    }

    public void Dispose() => _hits.Dispose();
}
