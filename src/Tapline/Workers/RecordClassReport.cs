// What one class of a recording did and holds, for reports and the live snapshot.
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>One class of a recording. Frames; bytes on disk.</summary>
public sealed record RecordClassReport
{
    public required string Name { get; init; }

    public required string Folder { get; init; }

    public long Recorded { get; init; }

    public long Dropped { get; init; }

    /// <summary>Of the recorded ones: cut on purpose, by what the class takes.</summary>
    public long Sliced { get; init; }

    public int Segments { get; init; }

    public long UsedBytes { get; init; }

    public long BudgetBytes { get; init; }

    public long Removed { get; init; }

    /// <summary>Which of its rules can't be kept; null = all are.</summary>
    public string? Notice { get; init; }

    internal static RecordClassReport Of(string name, SegmentFolder folder, ReadOnlySpan<SegmentRecorder> recorders)
    {
        long recorded = 0;
        long dropped = 0;
        long sliced = 0;
        foreach (var recorder in recorders)
        {
            recorded += recorder.Recorded;
            dropped += recorder.Dropped;
            sliced += recorder.Sliced;
        }

        return new RecordClassReport
        {
            Name = name, Folder = folder.Path, Recorded = recorded, Dropped = dropped, Sliced = sliced, Segments = folder.Segments,
            UsedBytes = folder.UsedBytes, BudgetBytes = folder.BudgetBytes, Removed = folder.Removed, Notice = folder.Notice,
        };
    }
}
