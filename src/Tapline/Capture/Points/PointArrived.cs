// What the kernel offered at one observation point, counted by the socket filter before any buffer could be full.
namespace Tapline.Capture.Points;

/// <summary>Frames and bytes that arrived at one observation point since the capture opened; never reset.</summary>
/// <remarks>
/// Once a source is drained (its Lease returned <see cref="LeaseResult.End"/>), arrived − captured is exactly what the
/// ring lost at this point. While running, the difference also holds the frames that wait in the ring.
/// </remarks>
public struct PointArrived
{
    /// <summary>Observation point (<c>FrameMeta.PointId</c>).</summary>
    public ushort PointId;

    /// <summary>Frames, super-frames counted as one.</summary>
    public long Frames;

    /// <summary>Bytes as in <c>FrameMeta.OriginalLength</c>: L2 with the VLAN tag, without FCS.</summary>
    public long Bytes;
}
