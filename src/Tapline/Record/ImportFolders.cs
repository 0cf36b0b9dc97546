// The folders of a recording's imports: each is a folder of segments below `imported`. What begins with a dot is under way or on its
// way out. Reads folders; any thread.
namespace Tapline.Record;

/// <summary>Finds the imports of a recording.</summary>
public static class ImportFolders
{
    /// <summary>Folder of imports below a recording's folder.</summary>
    public const string Parent = "imported";

    /// <summary>The imports' folders as seen from the recording's (`imported/NAME`), sorted; none where there are none.</summary>
    public static IReadOnlyList<string> NamesOf(string recording)
    {
        try
        {
            return
            [
                .. new DirectoryInfo(Path.Combine(recording, Parent)).EnumerateDirectories().Where(d => d.Name[0] != '.')
                    .Select(d => Path.Combine(Parent, d.Name)).Order(StringComparer.Ordinal),
            ];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>True for the folder of an import.</summary>
    public static bool IsImport(string folder) => Path.GetFileName(Path.GetDirectoryName(folder)) == Parent;
}
