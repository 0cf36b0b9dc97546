// The folder of triggers' files, which must not fill the disk: beyond a size the oldest go, by the time in their names, each with its
// manifest. Files of other names are somebody else's and stay.
using System.Globalization;

namespace Tapline.Workers.Triggers;

/// <summary>Keeps the folder's size. One thread.</summary>
internal static class TriggerShelf
{
    private const string Ending = ".pcapng";
    private const string TimeForm = "yyyyMMdd'T'HHmmss'.'fff'Z'";
    private const int TimeCharacters = 20;

    /// <summary>Removes the oldest files until the rest fits; never the newest. Names of those; throws what the disk throws.</summary>
    public static IReadOnlyList<string> Trim(string folder, long bytesMax)
    {
        var files = new DirectoryInfo(folder).EnumerateFiles("*" + Ending)
            .Select(file => (Time: TimeOf(file.Name), File: file)).Where(f => f.Time is not null)
            .OrderByDescending(f => f.Time, StringComparer.Ordinal).ThenBy(f => f.File.Name, StringComparer.Ordinal).ToList();
        var removed = new List<string>();
        long bytes = 0;
        for (var index = 0; index < files.Count; index++)
        {
            bytes += files[index].File.Length;
            if (index > 0 && bytes > bytesMax)
            {
                files[index].File.Delete();
                File.Delete(files[index].File.FullName + Record.Evidence.ExtractManifest.Ending);
                removed.Add(files[index].File.Name);
            }
        }

        return removed;
    }

    // The time in a file's name; null when it is no trigger's.
    private static string? TimeOf(string name)
    {
        var start = name.Length - Ending.Length - TimeCharacters;
        var time = start > 1 && name[start - 1] == '-' && name[0] != '.' ? name.Substring(start, TimeCharacters) : null;
        return time is not null && TriggerPlan.MistakeInName(name[..(start - 1)]) is null
            && DateTime.TryParseExact(time, TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.None, out _) ? time : null;
    }
}
