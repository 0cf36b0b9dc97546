// A segment out of which an extract was taken, as its manifest names it. Plain data.
using Tapline.Record.Extract;

namespace Tapline.Record.Evidence;

/// <summary>A source of an extract.</summary>
/// <param name="File">The segment's file.</param>
/// <param name="Seal">Link of its seal: SHA-256 of the seal's signed lines; null = it has none.</param>
/// <param name="Chain">The seal's chain.</param>
/// <param name="Sequence">The seal's place in it.</param>
/// <param name="Remark">Why there is no seal, or what the seal says beyond "complete".</param>
public sealed record ExtractSource(string File, string? Seal, string? Chain, long Sequence, string? Remark)
{
    /// <summary>The segments of a plan with their seals. Before they are read: retention may take them meanwhile.</summary>
    public static IReadOnlyList<ExtractSource> Of(ExtractPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var none = new PublicKeys();
        return [.. plan.Segments.Select(s => Of(s, none))];
    }

    private static ExtractSource Of(ExtractSegment segment, PublicKeys none)
    {
        if (segment.IsHidden)
        {
            return new ExtractSource(segment.File, null, null, 0, "under way: not sealed yet");
        }

        // Read only: whether the seal is right is `tapline verify`'s to say.
        var seal = SealedFile.TryRead(segment.Folder, Path.ChangeExtension(segment.File, ".sig"), none);
        return seal is null || seal.Seal.Sequence == 0
            ? new ExtractSource(segment.File, null, null, 0, seal is null ? "not sealed" : "its seal can't be read")
            : new ExtractSource(
                segment.File, seal.Seal.Link.ToString(), seal.ChainText, seal.Seal.Sequence,
                seal.Seal.State == SealState.Complete ? null : System.Text.Encoding.ASCII.GetString(SealText.StateWord(seal.Seal.State)));
    }
}
