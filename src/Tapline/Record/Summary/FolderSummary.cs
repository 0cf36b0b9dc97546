// The summary of a folder as its recorders keep it: a row for each segment that has become visible, appended by the thread that made it
// so. It is for speed alone: where it can't be written queries read the segments, and nobody's recording waits for a retry.
// Containers have no rows: what an encrypted segment says of itself would stand there in clear. Thread-safe; allocates when a shelf
// begins, not for a segment. Its bytes count in the folder's budget.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Summary;

/// <summary>Writes a folder's summary.</summary>
internal sealed class FolderSummary
{
    private readonly string _folder;
    private readonly Lock _gate = new();
    private readonly PathBuffer _path;
    private readonly SegmentDigest _digest = new();
    private readonly List<Shelf> _shelves = [];
    private readonly int _shelfRows;
    private long _rowsEnd;
    private long _headsEnd;
    private int _rows;

    /// <summary>For a folder.</summary>
    /// <param name="folder">Its path.</param>
    /// <param name="shelfRows">Rows of a shelf.</param>
    public FolderSummary(string folder, int shelfRows = Limits.SummaryShelfRows)
    {
        _folder = folder;
        _shelfRows = shelfRows;
        _path = new PathBuffer(folder);
    }

    /// <summary>Its length on disk.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes stock of what is there, removes what belongs to no segment any more, and adds rows for the newest segments that
    /// have none. When the folder is opened; reads it. Returns <see cref="Bytes"/>.</summary>
    public long Settle(DiskCalls disk)
    {
        lock (_gate)
        {
            (_rows, _rowsEnd, _headsEnd, Bytes) = (_shelfRows, 0, 0, 0);
            _shelves.Clear();
            try
            {
                Settle(disk, [.. Directory.EnumerateFiles(_folder).Select(path => Path.GetFileName(path))]);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Then it begins anew.
            }

            return Bytes;
        }
    }

    /// <summary>Adds a segment that has just become visible, or got an index. Any thread.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="name">The segment.</param>
    /// <param name="oldestNs">When the oldest segment of the folder begins: what is before is gone.</param>
    /// <param name="segments">How many the folder has.</param>
    /// <returns>By how much the summary's bytes changed.</returns>
    public long Note(DiskCalls disk, in SegmentName name, long oldestNs, int segments)
    {
        if (name.IsContainer)
        {
            return 0;
        }

        lock (_gate)
        {
            var before = Bytes;
            name.AddTo(_path.Reset(), isHidden: false);
            if (_digest.TryTakeSegment(_path.Path))
            {
                name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Index);
                _digest.TakeIndex(_path.Path);
                if (_rows == _shelfRows)
                {
                    RemoveStale(disk, oldestNs, segments);
                    Begin(_shelves.Count == 0 ? 1 : _shelves[^1].Number + 1);
                }

                Append(disk, name);
            }

            return Bytes - before;
        }
    }

    private void Settle(DiskCalls disk, string[] files)
    {
        var missing = new HashSet<SegmentName>();
        foreach (var file in files)
        {
            if (SegmentName.TryParse(file, out var name, out var isHidden) && !isHidden && !name.IsContainer)
            {
                missing.Add(name);
            }
        }

        var segments = missing.Count;
        var oldestNs = missing.Select(name => name.StartNs).DefaultIfEmpty(long.MaxValue).Min();
        var numbers = SummaryShelf.NumbersOf(files);
        foreach (var number in numbers)
        {
            var rows = SummaryShelf.Read(_folder, number, out var soundBytes);
            missing.ExceptWith(rows.Select(row => row.Name));
            _shelves.Add(new Shelf(number, rows.Select(row => row.Name.StartNs).DefaultIfEmpty(long.MinValue).Max())
            {
                Bytes = LengthOf(SummaryShelf.RowsOf(_folder, number)) + LengthOf(SummaryShelf.HeadsOf(_folder, number)),
            });
            Bytes += _shelves[^1].Bytes;
            var isSound = rows.Count > 0 && soundBytes == LengthOf(SummaryShelf.RowsOf(_folder, number));
            (_rows, _rowsEnd, _headsEnd) = isSound
                ? (rows.Count, soundBytes, LengthOf(SummaryShelf.HeadsOf(_folder, number))) : (_shelfRows, 0, 0);
        }

        RemoveStale(disk, oldestNs, segments);
        foreach (var name in missing.OrderByDescending(name => name.StartNs).Take(Limits.SummaryMadeAtOpening)
            .OrderBy(name => name.StartNs))
        {
            _ = Note(disk, name, oldestNs, segments);
        }
    }

    private void Append(DiskCalls disk, in SegmentName name)
    {
        var shelf = _shelves[^1];
        var head = _digest.Head;
        if (!head.IsEmpty && !TryWrite(disk, shelf.Number, ".tlk"u8, head, _headsEnd))
        {
            head = [];
        }

        SummaryRow.Write(_digest.Row, name, _digest.SegmentBytes, _digest.TailBytes, _headsEnd, head);
        var isWritten = TryWrite(disk, shelf.Number, ".tls"u8, _digest.Row, _rowsEnd);
        _headsEnd += head.Length;
        _rowsEnd += _digest.Row.Length;

        // A row that was written in part would hide those behind it: they go to another shelf.
        _rows = isWritten ? _rows + 1 : _shelfRows;
        var bytes = isWritten ? _rowsEnd + _headsEnd : LengthOf(disk, shelf.Number);
        Bytes += bytes - shelf.Bytes;
        _shelves[^1] = shelf with { Bytes = bytes, NewestNs = Math.Max(shelf.NewestNs, name.StartNs) };
    }

    private void Begin(int number)
    {
        (_rows, _rowsEnd, _headsEnd) = (0, 0, 0);
        _shelves.Add(new Shelf(number, long.MinValue));
    }

    // A segment that a hold keeps for years keeps no more shelves than there can be segments for: it is read without.
    private void RemoveStale(DiskCalls disk, long oldestNs, int segments)
    {
        var shelvesMax = (2 * segments / _shelfRows) + Limits.SummaryShelvesSpare;
        for (var place = 0; place < _shelves.Count;)
        {
            var shelf = _shelves[place];
            if (shelf.NewestNs >= oldestNs && _shelves.Count <= shelvesMax)
            {
                place++;
                continue;
            }

            _ = disk.Remove(PathOf(shelf.Number, ".tls"u8));
            _ = disk.Remove(PathOf(shelf.Number, ".tlk"u8));
            Bytes -= shelf.Bytes;
            _shelves.RemoveAt(place);
            if (place == _shelves.Count)
            {
                (_rows, _rowsEnd, _headsEnd) = (_shelfRows, 0, 0);
            }
        }
    }

    private bool TryWrite(DiskCalls disk, int shelf, ReadOnlySpan<byte> ending, ReadOnlySpan<byte> bytes, long offset)
    {
        var fd = disk.Open(PathOf(shelf, ending), NativeFile.O_WRONLY | NativeFile.O_CREAT);
        if (fd < 0)
        {
            return false;
        }

        var result = disk.WriteAll(fd, bytes, offset);
        _ = disk.Close(fd);
        return result == 0;
    }

    private long LengthOf(DiskCalls disk, int shelf) =>
        Math.Max(0, disk.LengthOf(PathOf(shelf, ".tls"u8))) + Math.Max(0, disk.LengthOf(PathOf(shelf, ".tlk"u8)));

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    private ReadOnlySpan<byte> PathOf(int shelf, ReadOnlySpan<byte> ending) =>
        _path.Reset().Add("segments-"u8).Add(shelf, SummaryShelf.Digits).Add(ending).Path;

    private readonly record struct Shelf(int Number, long NewestNs)
    {
        public long Bytes { get; init; }
    }
}
