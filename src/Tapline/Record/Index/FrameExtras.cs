// What the frames of a flow showed in a segment beyond the flow's record: columns 39 to 49 of the index.
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Facts of a flow's frames that its record does not say; 0 = none, of points 65535.</summary>
internal record struct FrameExtras
{
    public FrameMarks Marks;
    public ulong Mac1;
    public ulong Mac2;

    /// <summary>Addresses of the first IP header, for flows in tunnels.</summary>
    public IpAddress16 Address1;

    public IpAddress16 Address2;
    public ulong Vlans;
    public uint Vni;
    public ushort Point;

    /// <summary>Ports behind the first IP header, for flows in tunnels.</summary>
    public ushort Port1;

    public ushort Port2;
    public ushort Port3;
}
