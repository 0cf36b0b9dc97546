// Compares a folder's summary with the segments and indexes that it speaks of: queries refuse segments by it, so one that says less than
// they do hides packets that are there and proven. Takes each segment's digest anew and compares bytes. Reads only; one thread.
using Tapline.Base;
using Tapline.Record.Index;

namespace Tapline.Record.Summary;

/// <summary>Judges the rows of a folder's summary.</summary>
internal sealed class SummaryVerifier : IDisposable
{
    private readonly Dictionary<SegmentName, (SummaryRow Row, string Heads)> _rows = [];
    private readonly SegmentDigest _digest = new();
    private readonly SummaryHeads _heads = new();
    private readonly PathBuffer _path;

    /// <param name="folder">The folder.</param>
    public SummaryVerifier(string folder)
    {
        _path = new PathBuffer(folder);
        foreach (var shelf in SummaryShelf.NumbersOf(Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path))))
        {
            foreach (var row in SummaryShelf.Read(folder, shelf, out _))
            {
                _rows[row.Name] = (row, SummaryShelf.HeadsOf(folder, shelf)); // the latest word counts, as in queries
            }
        }
    }

    /// <summary>Judges one segment's.</summary>
    public SummaryVerdict Judge(in SegmentName name)
    {
        if (!_rows.TryGetValue(name, out var known))
        {
            return SummaryVerdict.None;
        }

        var row = known.Row;
        name.AddTo(_path.Reset(), isHidden: false);
        if (!_digest.TryTakeSegment(_path.Path) || _digest.SegmentBytes != row.SegmentBytes)
        {
            return SummaryVerdict.None;
        }

        var said = _digest.Row[SummaryRow.FixedBytes..];
        if (!said[.._digest.TailBytes].SequenceEqual(row.Tail.Span) || !said[_digest.TailBytes..].SequenceEqual(row.Descriptions.Span))
        {
            return SummaryVerdict.Other;
        }

        var head = new SegmentSummary(row, _heads, known.Heads).Head();
        name.AddTo(_path.Reset(), isHidden: false, SegmentCompanions.Index);
        _digest.TakeIndex(_path.Path);
        return head is null || _digest.Head.SequenceEqual(head) ? SummaryVerdict.Same
            : _digest.Head.IsEmpty || IndexHeader.OriginOf(_digest.Head) == IndexOrigin.Rebuilt ? SummaryVerdict.Older
            : SummaryVerdict.Other;
    }

    public void Dispose() => _heads.Dispose();
}
