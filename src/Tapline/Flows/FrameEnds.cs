// Who handed the frame over: facts beside the key by which the two halves of a conversation are recognised when their
// tags differ. Read only when a flow is born.
using System.Buffers.Binary;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Link and tunnel endpoints of one frame; zero where there are none.</summary>
internal readonly ref struct FrameEnds
{
    public FrameEnds(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if ((layout.Flags & LayoutFlags.HasMac) != 0 && layout.LinkOffset + 12 <= frame.Length)
        {
            DestinationMac = FlowKeyReader.ReadMac(frame[layout.LinkOffset..]);
            SourceMac = FlowKeyReader.ReadMac(frame[(layout.LinkOffset + 6)..]);
        }

        int offset = layout.OuterNetworkOffset;
        if (layout.OuterIpVersion == 4 && offset + 20 <= frame.Length)
        {
            OuterSource = IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(frame[(offset + 12)..]));
            OuterDestination = IpAddress16.FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(frame[(offset + 16)..]));
        }
        else if (layout.OuterIpVersion == 6 && offset + 40 <= frame.Length)
        {
            OuterSource = IpAddress16.FromIpv6(frame.Slice(offset + 8, 16));
            OuterDestination = IpAddress16.FromIpv6(frame.Slice(offset + 24, 16));
        }
    }

    public ulong SourceMac { get; }

    public ulong DestinationMac { get; }

    public IpAddress16 OuterSource { get; }

    public IpAddress16 OuterDestination { get; }
}
