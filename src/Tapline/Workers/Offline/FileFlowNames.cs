// Names for flows of capture files: points are the files' interfaces; who a VM is, a file does not tell.
using Tapline.Capture.Files;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Resolves point ids of an offline result.</summary>
public sealed class FileFlowNames(IReadOnlyList<FileInterface> points) : IFlowNames
{
    public string? PointName(ushort pointId) => pointId < points.Count ? points[pointId].Name : null;

    public string? VmName(ushort pointId, ulong mac, IpAddress16 ip) => null;
}
