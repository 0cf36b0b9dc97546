// How a recording is sealed: with the node's own key, in its data folder, made at the first start. A recording that is not sealed
// any more still has its removals noted, as long as the key is there. Control thread.
using Tapline.Record.Evidence;

namespace Tapline.Workers;

/// <summary>Finds the key of a recording.</summary>
public static class RecordEvidence
{
    /// <summary>How its folders are sealed; null without a sentence when nothing is sealed and nothing was.</summary>
    /// <param name="record">What is recorded.</param>
    /// <param name="dataFolder">The node's data folder; null = it has none.</param>
    /// <param name="error">Why the recording can't be sealed.</param>
    /// <returns>The key is the caller's to dispose, after the folders.</returns>
    public static EvidenceOptions? Open(RecordPlan record, string? dataFolder, out string? error)
    {
        ArgumentNullException.ThrowIfNull(record);
        var path = record.KeyFile ?? Path.Combine(dataFolder ?? record.Folder, NodeKey.Name);
        error = null;
        var key = record.Evidence ? NodeKey.TryOpenOrMake(path, out error)
            : File.Exists(path) ? NodeKey.TryOpen(path, out _) : null;
        return key is null ? null : new EvidenceOptions(key) { IsSealing = record.Evidence };
    }
}
