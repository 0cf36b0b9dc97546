// An observation point together with what changes about it while the engine runs.
namespace Tapline.Capture.Points;

/// <summary>One live observation point and its present state. Immutable; a change is a new object with the same id.</summary>
/// <param name="Point">Identity: id, name, kind, switch, VM.</param>
/// <param name="State">Up, down or gone.</param>
public sealed record LivePoint(ObservationPoint Point, PointState State);
