// How a worker learns of points that appear and change while it runs, before their first frame reaches it.
using Tapline.Capture.Points;

namespace Tapline.Workers;

/// <summary>The points known now. Any thread.</summary>
public interface IPointBook
{
    /// <summary>Rises with each change.</summary>
    int Generation { get; }

    /// <summary>All points since the start, gone ones included; a new list after each change.</summary>
    IReadOnlyList<LivePoint> Points { get; }
}
