// What a stream is told of an observation point: text for the interface that stands for it.
namespace Tapline.Mirror.Streams;

/// <summary>A point in words. Hostile text: whoever writes it bounds it.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Description">The machine behind it, its id, the switch.</param>
public sealed record StreamPoint(string Name, string Description);

/// <summary>Knows the observation points. Called by streams' threads.</summary>
public interface IStreamPoints
{
    /// <summary>Rises with each change of any point.</summary>
    int Generation { get; }

    /// <summary>The point as it is now; null when it is not known.</summary>
    StreamPoint? Find(ushort pointId);

    /// <summary>Frames of the point that were lost before any session saw them, since the engine's start.</summary>
    long DroppedBefore(ushort pointId);
}
