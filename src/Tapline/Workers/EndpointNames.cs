// The capture's directory, as spool writers ask it when they publish a batch.
using Tapline.Capture.Ring;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Names machines by what is known now. Any thread; allocates nothing.</summary>
internal sealed class EndpointNames(LiveCapture capture) : IEndpointNames
{
    public bool IsNamed(ushort pointId) => capture.Directory.OfPoint(pointId) is not null;

    public string? OfMac(ulong mac) => capture.Directory.OfMac(mac)?.Name;

    public string? OfAddress(IpAddress16 ip) => capture.Directory.OfAddress(new UInt128(ip.High, ip.Low))?.Name;
}
