// What a session asked of a recording and did not get, by reason. Written by the feeder's thread, read by any.
namespace Tapline.Workers.Past;

/// <summary>Counts of what the recording lacks. Frames unless the name says otherwise.</summary>
internal sealed class PastLosses
{
    private long _droppedRing;
    private long _droppedRecorder;
    private long _filteredRecorder;
    private long _removed;
    private long _removedSegments;
    private long _damaged;
    private long _cut;
    private volatile string? _fault;

    /// <summary>Lost in the rings before the session began, as the segments' ledgers say of its points.</summary>
    public long DroppedRing => Volatile.Read(ref _droppedRing);

    /// <summary>Lost by the recorder then.</summary>
    public long DroppedRecorder => Volatile.Read(ref _droppedRecorder);

    /// <summary>Not wanted by the recorder then.</summary>
    public long FilteredRecorder => Volatile.Read(ref _filteredRecorder);

    /// <summary>In segments that were removed or damaged before they were read, where it is known how many they held.</summary>
    public long Removed => Volatile.Read(ref _removed);

    /// <summary>Segments that were removed before they were read.</summary>
    public long RemovedSegments => Volatile.Read(ref _removedSegments);

    /// <summary>Segments of which a part could not be read.</summary>
    public long DamagedSegments => Volatile.Read(ref _damaged);

    /// <summary>Read, but only a part of the frame was kept.</summary>
    public long Cut => Volatile.Read(ref _cut);

    /// <summary>The last thing that could not be read, as a sentence; null = all could.</summary>
    public string? Fault => _fault;

    public void CountCut() => Volatile.Write(ref _cut, _cut + 1);

    public void CountLedger(long droppedRing, long droppedRecorder, long filtered)
    {
        Volatile.Write(ref _droppedRing, _droppedRing + droppedRing);
        Volatile.Write(ref _droppedRecorder, _droppedRecorder + droppedRecorder);
        Volatile.Write(ref _filteredRecorder, _filteredRecorder + filtered);
    }

    public void CountRemoved(long frames, string sentence)
    {
        Volatile.Write(ref _removed, _removed + frames);
        Volatile.Write(ref _removedSegments, _removedSegments + 1);
        _fault = sentence;
    }

    public void CountDamaged(string sentence, long frames = 0)
    {
        Volatile.Write(ref _removed, _removed + frames);
        Volatile.Write(ref _damaged, _damaged + 1);
        _fault = sentence;
    }
}
