// Verifies a recording: its folder, and those of classes and imports in it, each with its own chains and journal. Reads only; several
// threads.
namespace Tapline.Record.Evidence;

/// <summary>Verifies recordings. Any thread.</summary>
public static class RecordingVerifier
{
    /// <summary>Verifies one; null with a sentence when there is no recording.</summary>
    /// <param name="options">What is wanted.</param>
    /// <param name="error">Why nothing could be verified.</param>
    /// <param name="progress">Told now and then, on another thread.</param>
    /// <param name="stop">Ends soon after it is set.</param>
    public static VerifyReport? Run(VerifyOptions options, out string? error, Action<VerifyReport>? progress, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(options);
        error = null;
        var report = new VerifyReport();
        try
        {
            var folders = Folders(options, report);
            if (folders.Count == 0)
            {
                error = $"There is no recording in {options.Folder}; name the data folder that `tapline record` or `tapline up` writes to.";
                return null;
            }

            using var ticker = progress is null ? null : new Timer(_ => progress(report), null, 200, 200);
            foreach (var folder in folders)
            {
                folder.Check(stop);
            }

            if (report.IndexesMade > 0)
            {
                report.Note(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                    $"{report.IndexesMade} indexes are not those that were sealed with their segments but made later; ")
                    + "they were made anew to be compared.");
            }

            return report;
        }
        catch (DirectoryNotFoundException)
        {
            error = $"There is no recording in {options.Folder}; name the data folder that `tapline record` or `tapline up` writes to.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The recording {options.Folder} can't be read: {e.Message}";
        }

        return null;
    }

    private static List<FolderVerifier> Folders(VerifyOptions options, VerifyReport report)
    {
        var folders = new List<FolderVerifier>();
        foreach (var path in RecordingFolders.Of(options.Folder))
        {
            var name = RecordingFolders.NameOf(options.Folder, path);
            var prefix = name.Length == 0 ? "" : name + "/";
            var folder = new FolderVerifier(options, report, path, prefix);
            if (folder.Prepare())
            {
                folders.Add(folder);
            }
        }

        return folders;
    }
}
