// Where the frames of an import go, in the order of time.
using Tapline.Base;

namespace Tapline.Workers.Imports;

/// <summary>Takes frames in order. One thread.</summary>
internal interface IImportTaker
{
    /// <summary>Time steps back: what follows is in order again.</summary>
    void BeginRun();

    /// <summary>A frame with what its capture says of it; spans are borrowed for the call.</summary>
    void Take(in FrameMeta meta, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> options);
}
