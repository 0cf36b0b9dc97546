// `tapline doctor --data DIR`: what the recording there holds, and whether its holds can be read. Looks at names and sizes only.
using Tapline.Capture.Doctor;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Record.Holds;
using Tapline.Server.Config;

namespace Tapline.Server.Commands;

/// <summary>The check of a recording.</summary>
internal static class RecordingCheck
{
    /// <summary>Nothing where there is no recording.</summary>
    public static IEnumerable<CheckResult> Examine(string? data)
    {
        if (data is null)
        {
            return [];
        }

        if (NodeKey.FindExposure(new DataFolder(Path.GetFullPath(data)).SigningKey) is { } exposed)
        {
            var warning = new CheckResult("signing key", CheckLevel.Warn, exposed, "chmod 600 it, or move it away for a new one.");
            return [warning, .. Recording(data)];
        }

        return Recording(data);
    }

    private static IEnumerable<CheckResult> Recording(string data)
    {
        var folder = new DataFolder(Path.GetFullPath(data)).RecordingThere;
        if (!Directory.Exists(folder))
        {
            return [];
        }

        if (HoldFile.TryRead(folder, out var error) is not { } holds)
        {
            return [new CheckResult("recording", CheckLevel.Bad, error!, "The engine does not start on holds that it cannot read.")];
        }

        try
        {
            var all = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 };
            var files = new DirectoryInfo(folder).EnumerateFiles("*", all)
                .Where(f => f.Name[0] != '.' && f.Extension is ".pcapng" or ".tlz").ToList();
            var classes = ClassFolders.ClassesOf(folder).ToList();
            return [new CheckResult(
                "recording",
                CheckLevel.Ok,
                $"{Quantity.Count(files.Count)} segments with {Quantity.Bytes(files.Sum(f => f.Length))}; holds: {holds.Holds.Count}"
                    + (classes.Count == 0 ? "." : $"; classes: {string.Join(", ", classes)}."))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [new CheckResult(
                "recording", CheckLevel.Warn, $"`{folder}` cannot be read: {e.Message}", "Run as the user that records.")];
        }
    }
}
