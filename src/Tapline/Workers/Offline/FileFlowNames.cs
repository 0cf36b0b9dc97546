// Names for flows of capture files and recordings: points are the files' interfaces; who a VM is, an inventory tells, else the
// description of the point that saw its frames first, else the machines that a recording lists by their MAC addresses.
using Tapline.Capture.Files;
using Tapline.Capture.Identity;
using Tapline.Record;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Resolves point ids and addresses of an offline result.</summary>
public sealed class FileFlowNames : IFlowNames
{
    private readonly IReadOnlyList<FileInterface> _points;
    private readonly VmInventory _inventory;
    private readonly string?[] _behindPoints;
    private readonly Dictionary<ulong, string> _byMac = [];

    /// <param name="points">By their ids.</param>
    /// <param name="inventory">What the operator gave.</param>
    /// <param name="machines">What the recording knows.</param>
    public FileFlowNames(
        IReadOnlyList<FileInterface> points, VmInventory inventory, IReadOnlyList<RecordedMachine>? machines = null)
    {
        ArgumentNullException.ThrowIfNull(points);
        _points = points;
        _inventory = inventory;
        _behindPoints =
        [
            .. points.Select(p => PointInfo.MachineOf(p.Description) is null ? null : PointInfo.Parse(0, "", p.Description).Vm),
        ];
        foreach (var machine in machines ?? [])
        {
            foreach (var mac in machine.Macs)
            {
                _byMac[mac] = machine.Name;
            }
        }
    }

    /// <summary>True when any end of a flow may have a name.</summary>
    public bool KnowsMachines => _inventory.Vms.Count > 0 || _byMac.Count > 0 || _behindPoints.Any(p => p is not null);

    public string? PointName(ushort pointId) => pointId < _points.Count ? _points[pointId].Name : null;

    public string? VmName(ushort pointId, ulong mac, IpAddress16 ip) =>
        (_inventory.OfMac(mac) ?? _inventory.OfAddress(new UInt128(ip.High, ip.Low)))?.Name
        ?? (pointId < _behindPoints.Length ? _behindPoints[pointId] : null)
        ?? (_byMac.TryGetValue(mac, out var name) ? name : null);
}
