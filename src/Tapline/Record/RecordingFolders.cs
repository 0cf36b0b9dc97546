// Which folders a recording consists of: its own, and every folder below it that may have segments: one for each class, and one for
// each import below `imported`. What begins with a dot is under way or on its way out and belongs to nobody else. Reads folders;
// any thread.
namespace Tapline.Record;

/// <summary>The folders of a recording.</summary>
public static class RecordingFolders
{
    /// <summary>Folder of imports below a recording's folder; each import is a folder in it.</summary>
    public const string Imported = "imported";

    private const int DepthMax = 2;

    /// <summary>The recording's folder first, then those below it by name. Throws when there is no recording.</summary>
    public static IReadOnlyList<string> Of(string recording)
    {
        var folders = new List<string> { recording };
        Add(folders, recording, 1);
        return folders;
    }

    /// <summary>
    /// What a folder of a recording is called beside the others: "" for the recording's own, a class's name, or `imported/NAME`.
    /// </summary>
    public static string NameOf(string recording, string folder) => folder == recording ? "" : Path.GetRelativePath(recording, folder);

    /// <summary>Paths of a folder's finished segments, newest first.</summary>
    public static IReadOnlyList<string> SegmentsOf(string folder) =>
    [
        .. new DirectoryInfo(folder).EnumerateFiles()
            .Select(f => f.Name)
            .Where(n => SegmentName.TryParse(n, out _, out var isHidden) && !isHidden)
            .OrderDescending(StringComparer.Ordinal)
            .Select(n => Path.Combine(folder, n)),
    ];

    /// <summary>True for the folder of an import.</summary>
    public static bool IsImport(string folder) => Path.GetFileName(Path.GetDirectoryName(folder)) == Imported;

    private static void Add(List<string> folders, string parent, int depth)
    {
        string[] below;
        try
        {
            below = Directory.GetDirectories(parent);
        }
        catch (DirectoryNotFoundException) when (depth > 1)
        {
            return; // removed meanwhile
        }

        Array.Sort(below, StringComparer.Ordinal);
        foreach (var folder in below)
        {
            if (Path.GetFileName(folder)[0] == '.')
            {
                continue;
            }

            folders.Add(folder);
            if (depth < DepthMax)
            {
                Add(folders, folder, depth + 1);
            }
        }
    }
}
