// Reads /proc with bounds. Processes come and go while we look, and files of other users may be closed to us: whatever
// cannot be read is simply absent. Control threads; allocates.
using System.Text;

namespace Tapline.Capture.Points;

/// <summary>Bounded look-ups in /proc.</summary>
internal static class ProcessFiles
{
    private const int FileBytesMax = 64 * 1024;

    /// <summary>Process ids, lowest first.</summary>
    public static List<int> All()
    {
        var ids = new List<int>();
        try
        {
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), out var id))
                {
                    ids.Add(id);
                }
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // A process that ended while the folder was read.
        }

        ids.Sort();
        return ids;
    }

    /// <summary>A file below /proc/ID as text, at most 64 KiB; empty when unreadable.</summary>
    public static string Read(int process, string file)
    {
        try
        {
            using var stream = new FileStream($"/proc/{process}/{file}", FileMode.Open, FileAccess.Read);
            var bytes = new byte[FileBytesMax];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return Encoding.UTF8.GetString(bytes, 0, length);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>Where a link below /proc/ID leads, e.g. <c>net:[4026531840]</c>; empty when unreadable.</summary>
    public static string ReadLink(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name ?? "";
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The open descriptors of a process that lead to <paramref name="target"/>, by number.</summary>
    public static IEnumerable<string> Descriptors(int process, string target) =>
        OpenFiles(process).Where(f => f.Target == target).Select(f => f.Descriptor);

    /// <summary>All open descriptors of a process, by number, and where they lead.</summary>
    public static IEnumerable<(string Descriptor, string Target)> OpenFiles(int process)
    {
        string[] links;
        try
        {
            links = Directory.GetFiles($"/proc/{process}/fd");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            yield break;
        }

        foreach (var link in links)
        {
            string? to;
            try
            {
                to = File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            yield return (Path.GetFileName(link), to ?? "");
        }
    }
}
