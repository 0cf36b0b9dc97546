// What a session's past is read from: the engine's own recording.
using Tapline.Capture.Ring;
using Tapline.Record;

namespace Tapline.Workers.Past;

/// <summary>An engine's recording as a source.</summary>
/// <param name="Folders">Its folders: one, or one for each class.</param>
/// <param name="Recorders">All workers' of the first folder, then all of the second, and so on.</param>
/// <param name="Workers">The engine's workers.</param>
/// <param name="Capture">Its points.</param>
internal sealed record PastSupply(IReadOnlyList<string> Folders, SegmentRecorder[] Recorders, int Workers, LiveCapture? Capture)
{
    /// <summary>The place of a worker's recorder of a folder.</summary>
    public int PlaceOf(int folder, int worker) => (folder * Workers) + worker;
}
