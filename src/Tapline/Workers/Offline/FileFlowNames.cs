// Names for flows of capture files: points are the files' interfaces; who a VM is, only an inventory tells.
using Tapline.Capture.Files;
using Tapline.Capture.Identity;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Resolves point ids of an offline result, and addresses by an inventory.</summary>
public sealed class FileFlowNames(IReadOnlyList<FileInterface> points, VmInventory inventory) : IFlowNames
{
    public string? PointName(ushort pointId) => pointId < points.Count ? points[pointId].Name : null;

    public string? VmName(ushort pointId, ulong mac, IpAddress16 ip) =>
        (inventory.OfMac(mac) ?? inventory.OfAddress(new UInt128(ip.High, ip.Low)))?.Name;
}
