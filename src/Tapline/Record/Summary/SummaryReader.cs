// A folder's summary as a query finds it: one read for each shelf. In: files that may be missing, torn, damaged or older than the folder.
// Out: what counts of them, by the segments' names; that the segment is there and has that length is the asker's to see.
namespace Tapline.Record.Summary;

/// <summary>Reads summaries.</summary>
internal static class SummaryReader
{
    /// <summary>The segments that a folder's summary knows.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="files">Names of the files in it.</param>
    /// <param name="heads">Reads heads for them.</param>
    public static Dictionary<SegmentName, SegmentSummary> Read(string folder, IEnumerable<string> files, SummaryHeads heads)
    {
        var known = new Dictionary<SegmentName, SegmentSummary>();
        foreach (var shelf in SummaryShelf.NumbersOf(files))
        {
            var headsPath = SummaryShelf.HeadsOf(folder, shelf);
            foreach (var row in SummaryShelf.Read(folder, shelf, out _))
            {
                known[row.Name] = new SegmentSummary(row, heads, headsPath); // the latest word counts
            }
        }

        return known;
    }
}
