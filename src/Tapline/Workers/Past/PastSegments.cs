// The files of one worker's segments in a recording's folder, whose names change while they are looked for: under way, finished,
// finished by a repair. In: a folder that others write and remove from. Out: cursors and names in the order of time. One thread.
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Extract;

namespace Tapline.Workers.Past;

/// <summary>Finds and opens segments. Methods throw what the file system throws.</summary>
/// <param name="folder">The folder.</param>
/// <param name="worker">Whose segments.</param>
internal sealed class PastSegments(string folder, ushort worker)
{
    // Frames of a segment may be so much out of order; and as much a segment may reach back behind its name.
    private const long DisorderNs = 2_000_000_000;

    /// <summary>The folder.</summary>
    public string Folder => folder;

    /// <summary>True when the segment is being written.</summary>
    public bool IsUnderWay(in SegmentName name) => File.Exists(Place(name, isHidden: true));

    /// <summary>Names of segments that begin after a time, but for those that end before the time that is wanted.</summary>
    public List<SegmentName> ListAfter(long afterNs, long sinceNs)
    {
        var names = new List<SegmentName>();
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            if (SegmentName.TryParse(Path.GetFileName(path), out var name, out _) && name.Worker == worker && name.StartNs > afterNs)
            {
                names.Add(name);
            }
        }

        names = [.. names.DistinctBy(n => n.StartNs).OrderBy(n => n.StartNs)];
        var first = 0;
        while (first + 1 < names.Count && names[first + 1].StartNs <= sinceNs - DisorderNs)
        {
            first++;
        }

        return names[first..];
    }

    /// <summary>Opens a segment, by whatever name it has; null when it is gone.</summary>
    /// <param name="name">When it began.</param>
    /// <param name="end">What it says of itself at its end; null while it is under way.</param>
    public SegmentCursor? TryOpen(in SegmentName name, out SegmentEnd? end)
    {
        foreach (var path in (ReadOnlySpan<string>)
            [Place(name, isHidden: true), Place(name, isHidden: false), Place(name with { IsRecovered = true }, isHidden: false)])
        {
            if (TryOpenFile(path, out end) is { } cursor)
            {
                return cursor;
            }
        }

        // Another ending, or a name that changed a moment ago: the folder knows.
        foreach (var path in Directory.EnumerateFiles(folder))
        {
            if (SegmentName.TryParse(Path.GetFileName(path), out var other, out _) && other.Worker == worker
                && SegmentTrail.IsSame(other.StartNs, name.StartNs))
            {
                return TryOpenFile(path, out end);
            }
        }

        end = null;
        return null;
    }

    private static SegmentCursor? TryOpenFile(string path, out SegmentEnd? end)
    {
        end = null;
        SegmentCursor? cursor = null;
        try
        {
            cursor = SegmentCursor.Open(path);
            end = Path.GetFileName(path)[0] == '.' ? null : SegmentEnd.TryRead(path);
            return cursor;
        }
        catch (FileNotFoundException)
        {
            cursor?.Dispose();
            return null; // it has another name by now, or is gone
        }
        catch
        {
            cursor?.Dispose();
            throw;
        }
    }

    private string Place(in SegmentName name, bool isHidden)
    {
        var path = new PathBuffer(folder);
        name.AddTo(path.Reset(), isHidden);
        return System.Text.Encoding.UTF8.GetString(path.Path[..^1]);
    }
}
