// Observation points in the words of records and JSON.
using Tapline.Capture;
using Tapline.Capture.Points;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Names of kinds and states, and the description that records carry.</summary>
public static class PointNames
{
    public static string Kind(PointKind kind) => kind switch
    {
        PointKind.VmPort => "vm_port",
        PointKind.Uplink => "uplink",
        PointKind.Host => "host",
        PointKind.Monitor => "monitor",
        PointKind.File => "file",
        PointKind.Tunnel => "tunnel",
        _ => "port",
    };

    public static string State(PointState state) => state switch
    {
        PointState.Up => "up",
        PointState.Down => "down",
        _ => "gone",
    };

    public static PointInfo Describe(ObservationPoint point) =>
        new(point.Id, point.Name, Kind(point.Kind), point.Switch, point.Vm, point.VmId);
}
