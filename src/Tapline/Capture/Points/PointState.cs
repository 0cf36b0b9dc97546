// Whether an observation point can bring frames at the moment.
namespace Tapline.Capture.Points;

/// <summary>The state of a live observation point.</summary>
public enum PointState : byte
{
    /// <summary>The interface exists and is administratively up.</summary>
    Up,

    /// <summary>The interface exists and is down; it is followed and comes back by itself.</summary>
    Down,

    /// <summary>The interface has disappeared; its identifier is kept for the case that it returns.</summary>
    Gone,
}
