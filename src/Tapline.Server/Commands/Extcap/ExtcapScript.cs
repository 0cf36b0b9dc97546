// The script in Wireshark's folder that makes Tapline one of its capture sources. Only a script that was written here is
// ever replaced or removed.
namespace Tapline.Server.Commands.Extcap;

/// <summary>Writes and removes the script. Answers are sentences.</summary>
internal static class ExtcapScript
{
    private const string Name = "tapline";
    private const string Mark = "# Written by `tapline extcap --install`; remove it with `tapline extcap --remove`.";
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Where Wireshark looks for all users; the first that exists counts. Its packages differ by distribution.</summary>
    public static IReadOnlyList<string> SystemFolders =>
    [
        .. Subfolders("/usr/lib").Select(d => Path.Combine(d, "wireshark/extcap")).Order(StringComparer.Ordinal),
        "/usr/lib64/wireshark/extcap", "/usr/lib/wireshark/extcap", "/usr/libexec/wireshark/extcap", "/usr/local/lib/wireshark/extcap",
    ];

    /// <summary>Where it looks for one user: since 4.2, and before.</summary>
    public static IReadOnlyList<string> UserFolders
    {
        get
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            var config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME");
            return
            [
                Path.Combine(home, ".local/lib/wireshark/extcap"),
                Path.Combine(string.IsNullOrEmpty(config) ? Path.Combine(home, ".config") : config, "wireshark/extcap"),
            ];
        }
    }

    /// <summary>Writes the script into each folder; one sentence when that fails.</summary>
    public static string? Install(IReadOnlyList<string> folders, string program)
    {
        foreach (var folder in folders)
        {
            var path = Path.Combine(folder, Name);
            if (Path.Exists(path) && !IsOurs(path))
            {
                return $"{path} is there and not from Tapline; move it away first.";
            }

            try
            {
                Directory.CreateDirectory(folder);
                File.WriteAllText(path, $"#!/bin/sh\n{Mark}\nexec {Quote(program)} extcap \"$@\"\n");
                File.SetUnixFileMode(path, Mode);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return $"{path} cannot be written: {e.Message}";
            }

            Console.WriteLine($"{path} is there; Wireshark lists Tapline's points after its next start.");
        }

        return null;
    }

    /// <summary>Removes the script from each folder; one sentence when that fails.</summary>
    public static string? Remove(IReadOnlyList<string> folders)
    {
        var removed = 0;
        foreach (var path in folders.Select(f => Path.Combine(f, Name)).Where(p => Path.Exists(p)))
        {
            if (!IsOurs(path))
            {
                return $"{path} is not from Tapline and stays.";
            }

            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return $"{path} cannot be removed: {e.Message}";
            }

            removed++;
            Console.WriteLine($"{path} is removed.");
        }

        return removed > 0 ? null : $"There is no script of Tapline in {string.Join(" or ", folders)}.";
    }

    private static string[] Subfolders(string folder) => Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];

    private static bool IsOurs(string path)
    {
        try
        {
            return File.ReadLines(path).Take(2).Contains(Mark);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Quote(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
