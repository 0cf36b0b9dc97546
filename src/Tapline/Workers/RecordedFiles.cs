// Capture files as they are, and segments of recordings that are in containers: one way to open either for whoever reads frames.
using Tapline.Capture.Files;
using Tapline.Record;
using Tapline.Record.Container;

namespace Tapline.Workers;

/// <summary>Opens files with frames. Any thread.</summary>
internal static class RecordedFiles
{
    /// <summary>Opens a file, or standard input for "-"; null with one sentence when it can't be read.</summary>
    /// <param name="path">The path.</param>
    /// <param name="firstPointId">Point id of its first interface.</param>
    /// <param name="error">The sentence, empty on success.</param>
    public static CaptureFileReader? Open(string path, ushort firstPointId, out string error)
    {
        if (!path.EndsWith(SegmentName.ContainerExtension, StringComparison.Ordinal) || !File.Exists(path))
        {
            return CaptureFileReader.Open(path, firstPointId, out error);
        }

        try
        {
            return CaptureFileReader.Open(path, new ContainerStream(SegmentInput.Open(path)), firstPointId, out error);
        }
        catch (UnauthorizedAccessException)
        {
            error = $"{path} may not be read by this user.";
        }
        catch (IOException e)
        {
            error = $"{path} can't be read: {e.Message}";
        }

        return null;
    }

    /// <summary>Length of a file's content, 0 where it is not known.</summary>
    public static long LengthOf(string path)
    {
        try
        {
            return path == "-" || !File.Exists(path) ? 0
                : path.EndsWith(SegmentName.ContainerExtension, StringComparison.Ordinal) ? SegmentInput.LengthOf(path)
                : new FileInfo(path).Length;
        }
        catch (IOException)
        {
            // Opening it will say what is wrong.
            return 0;
        }
    }
}
