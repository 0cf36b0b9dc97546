// What a query came to.
namespace Tapline.Record.Extract;

/// <summary>The account of one point over the segments that were read.</summary>
public sealed class ExtractPointCounts
{
    private readonly Dictionary<string, long> _ringDropped = [];

    public long Arrived { get; set; }

    public long DroppedRing { get; private set; }

    public long DroppedRecorder { get; set; }

    public long Filtered { get; set; }

    public long Recorded { get; set; }

    /// <summary>Of these: cut on purpose.</summary>
    public long Sliced { get; set; }

    /// <summary>Frames of the answer.</summary>
    public long Selected { get; set; }

    /// <summary>Takes in what a class's segment says of the ring's losses, and returns by how many that is more than is known: each
    /// class tells of all of them.</summary>
    internal long AddRingDropped(string ofClass, long frames)
    {
        var sum = _ringDropped.GetValueOrDefault(ofClass) + frames;
        _ringDropped[ofClass] = sum;
        var more = Math.Max(0, sum - DroppedRing);
        DroppedRing += more;
        return more;
    }
}

/// <summary>The result of a query. Figures move while it runs.</summary>
public sealed class ExtractReport
{
    public required ExtractPlan Plan { get; init; }

    /// <summary>Frames that were looked at.</summary>
    public long Examined { get; internal set; }

    /// <summary>Frames that were selected.</summary>
    public long Selected { get; internal set; }

    /// <summary>Their original bytes.</summary>
    public long SelectedBytes { get; internal set; }

    /// <summary>The latest time of a frame that was selected, ns; 0 = none.</summary>
    public long LatestNs { get; internal set; }

    /// <summary>Bytes read from segments.</summary>
    public long ReadBytes { get; internal set; }

    /// <summary>Bytes of the segments that lie behind it, read or passed over; of <see cref="ExtractPlan.Bytes"/>.</summary>
    public long PassedBytes { get; internal set; }

    /// <summary>Segments whose flows have been asked for their facts, before a packet is read; 0 = that is over, or not wanted.</summary>
    public int SegmentsAsked { get; internal set; }

    public int SegmentsRead { get; internal set; }

    /// <summary>Those of which only chosen packets were read.</summary>
    public int SegmentsByIndex { get; internal set; }

    /// <summary>Segments of which no packet was read, because their indexes rule them out.</summary>
    public int SegmentsRefused { get; internal set; }

    /// <summary>Selected frames that stand behind a later one, because putting them right took more memory than allowed.</summary>
    public long OutOfOrder { get; internal set; }

    /// <summary>It ended before its time: a signal.</summary>
    public bool IsStopped { get; internal set; }

    /// <summary>The limit was reached.</summary>
    public bool IsLimited { get; internal set; }

    /// <summary>What turned out to be missing while it ran, one sentence each, beside <see cref="ExtractPlan.Holes"/>.</summary>
    public IReadOnlyList<string> Faults => FaultList;

    /// <summary>Names in the expression that nothing in the segments bears, one sentence each; empty when the query ended early.</summary>
    public IReadOnlyList<string> UnknownNames { get; internal set; } = [];

    /// <summary>Points of the answer and their accounts, by the answer's numbers.</summary>
    public IReadOnlyList<(ExtractPoint Point, ExtractPointCounts Counts)> Points => PointList;

    /// <summary>The machines that the segments name, the newest word on each.</summary>
    public IReadOnlyList<RecordedMachine> Machines { get; internal set; } = [];

    internal List<string> FaultList { get; } = [];

    internal List<(ExtractPoint Point, ExtractPointCounts Counts)> PointList { get; } = [];
}
