// What is done to a recording's folder before it is used: leftovers of a crash are published, and indexes without a segment go.
// Ordinary managed file calls, once at start, by the thread that opens the folder.
using Tapline.Record.Evidence;

namespace Tapline.Record;

/// <summary>Prepares a folder that is locked.</summary>
internal static class FolderOpening
{
    /// <summary>Publishes what a crash left hidden.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="mishap">The leftover that could not be repaired: it must not keep the recorder from its work. Null = all could.</param>
    /// <param name="evidence">Is told to look for what has no seal then; null = nobody seals.</param>
    /// <returns>Segments published, and a sentence on what was done; null = there was nothing to do.</returns>
    public static (int Published, string? Sentence) Settle(string path, out string? mishap, FolderEvidence? evidence)
    {
        mishap = null;
        int published = 0, cut = 0, empty = 0;
        foreach (var leftover in Directory.GetFiles(path))
        {
            if (!SegmentName.TryParse(Path.GetFileName(leftover), out var name, out var isHidden) || !isHidden)
            {
                continue;
            }

            try
            {
                var hasFrames = SegmentRepair.TrySettle(path, leftover, name, out var settled, out _);
                published += hasFrames ? 1 : 0;
                cut += hasFrames && settled.IsRecovered ? 1 : 0;
                empty += hasFrames ? 0 : 1;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                mishap = $"The leftover {leftover} can't be repaired: {e.Message} It stays as it is until the next start.";
            }
        }

        evidence?.FindWaiting();
        return (published, published + empty == 0 ? null
            : $"Segments under way that a crash or power cut left in {path}: {published} published, {cut} of them without their true end; "
                + $"{empty} without a frame removed.");
    }

    /// <summary>Removes indexes whose segment a crash has taken or renamed, and those that were under way: what is left is indexed
    /// anew.</summary>
    public static void RemoveOrphans(string path)
    {
        foreach (var file in new DirectoryInfo(path).GetFiles())
        {
            if (SegmentName.TryParseIndex(file.Name, out _, out var isHidden)
                && (isHidden || (!File.Exists(Path.ChangeExtension(file.FullName, SegmentName.Extension))
                    && !File.Exists(Path.ChangeExtension(file.FullName, SegmentName.ContainerExtension)))))
            {
                file.Delete();
            }
        }
    }
}
