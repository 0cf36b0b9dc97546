// Files that are read one after the other: the captures of an analysis, or the segments of one worker of a recording. Knows how far
// it is in time, by the index of the segment that is open. Guarded by its input.
using Tapline.Capture.Files;
using Tapline.Record;
using Tapline.Record.Index;

namespace Tapline.Workers.Offline;

/// <summary>A row of files with the one that is open.</summary>
internal sealed class InputLane(IReadOnlyList<string> files, bool isRecorded)
{
    private readonly List<ushort> _points = [];
    private TimeBlock[] _times = [];
    private long _offset;
    private int _nextFile;
    private int _time;

    public IReadOnlyList<string> Files => files;

    /// <summary>Segments of a recording: equal points are one.</summary>
    public bool IsRecorded => isRecorded;

    /// <summary>The open file.</summary>
    public CaptureFileReader? Reader { get; private set; }

    /// <summary>The segment is being written: it ends where its writer is, and that is no fault.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>Claims that are not settled.</summary>
    public int Outstanding { get; set; }

    /// <summary>The file has ended; claims on it are waited for.</summary>
    public bool IsDraining { get; set; }

    /// <summary>A time before which nothing comes any more, ns: that of what is claimed next.</summary>
    public long NextNs { get; private set; } = long.MinValue;

    /// <summary>False while a piece must be settled before the next can be claimed.</summary>
    public bool CanClaim => Outstanding == 0 || Reader!.CanReadAhead;

    /// <summary>Interfaces of the open file that have their points.</summary>
    public int PointsMet => _points.Count;

    /// <summary>Takes the next piece: its offset, or -1 where pieces have none.</summary>
    public long Claim()
    {
        Outstanding++;
        if (!Reader!.CanReadAhead)
        {
            return -1;
        }

        _offset = Reader.ClaimAhead();
        var end = _offset + Base.Limits.FileReadBytes;
        while (_time + 1 < _times.Length && _times[_time + 1].Offset <= end)
        {
            NextNs = Math.Max(NextNs, _times[++_time].FirstNs);
        }

        return _offset;
    }

    public bool TryNextFile(out string file)
    {
        file = _nextFile < files.Count ? files[_nextFile++] : "";
        return file.Length > 0;
    }

    /// <summary>Leaves the files that are left.</summary>
    public void Abandon() => _nextFile = files.Count;

    /// <summary>Opens a file; a sentence when it can't be read.</summary>
    public string? Open(string file)
    {
        SegmentName name = default;
        var isHidden = isRecorded && SegmentName.TryParse(Path.GetFileName(file), out name, out var dot) && dot;
        if (isHidden && !File.Exists(file))
        {
            // Finished meanwhile.
            file = Path.Combine(Path.GetDirectoryName(file) ?? "", Path.GetFileName(file)[1..]);
            isHidden = false;
        }

        Reader = RecordedFiles.Open(file, 0, out var error);
        if (Reader is null)
        {
            return error;
        }

        IsUnderWay = isHidden;
        _points.Clear();
        _time = 0;
        _times = isRecorded && !isHidden ? Times(file) : [];
        NextNs = !isRecorded ? long.MinValue : _times.Length > 0 ? _times[0].FirstNs : name.StartNs;
        return null;
    }

    /// <summary>The next interface of the open file has this point.</summary>
    public void AddPoint(ushort point) => _points.Add(point);

    /// <summary>Gives the frames of a block their points.</summary>
    public void Renumber(FrameBlock block)
    {
        for (var i = 0; i < block.Count; i++)
        {
            ref var meta = ref block.Meta(i);
            meta.PointId = _points[meta.PointId];
        }
    }

    public void Close()
    {
        Reader?.Dispose();
        Reader = null;
        IsDraining = false;
    }

    // Without a sound index a segment is read as a whole at its own beginning.
    private static TimeBlock[] Times(string segment)
    {
        try
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), segmentBytes: -1, out _);
            return index is null ? [] : index.TimeBlocks.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return [];
        }
    }
}
