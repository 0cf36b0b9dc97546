// Terms that no byte at a fixed place decides: names, tunnels, super-frames, the innermost packet. Answered from the
// frame's facts, its layout and the directory. Allocates nothing.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>One term; Name is its number among the filter's names, below 0 where it names nothing.</summary>
internal sealed class FrameQuestion(FilterNode node, int name)
{
    private const int MacHeaderBytes = 12;

    public FilterNode Node { get; } = node;

    /// <summary>The answer for a frame.</summary>
    public bool Ask(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, DirectoryBinding binding) => Node switch
    {
        FilterNode.Point => binding.Of(name).HasPoint(meta.PointId),
        FilterNode.Vm vm => IsOf(vm.Direction, binding.Of(name), meta, layout, frame),
        FilterNode.Tag tag => IsOf(tag.Direction, binding.Of(name), meta, layout, frame),
        FilterNode.Tunnel tunnel => (layout.Flags & LayoutFlags.Tunnelled) != 0
            && (tunnel.Kind is null || tunnel.Kind == layout.Tunnel),
        FilterNode.Vni vni => (layout.Flags & LayoutFlags.Tunnelled) != 0 && layout.Vni == vni.Number,
        FilterNode.Gso => meta.GsoSize != 0,
        FilterNode.Inner inner => InnerPacket.Matches(inner.Operand, layout, frame),
        _ => false,
    };

    // What enters by a machine's own port comes from it, whatever address it wears.
    private static bool IsOf(
        Direction direction, NameSet set, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        var isSource = set.HasPoint(meta.PointId) || HasMac(set, true, meta, layout, frame);
        return direction switch
        {
            Direction.Source => isSource,
            Direction.Destination => HasMac(set, false, meta, layout, frame),
            Direction.Both => isSource && HasMac(set, false, meta, layout, frame),
            _ => isSource || HasMac(set, false, meta, layout, frame),
        };
    }

    // The frame's own header, and that of the innermost frame in a tunnel.
    private static bool HasMac(
        NameSet set, bool isSource, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame) =>
        (meta.LinkType == LinkType.Ethernet && HasMacAt(set, isSource, frame, 0))
        || ((layout.Flags & LayoutFlags.HasMac) != 0 && HasMacAt(set, isSource, frame, layout.LinkOffset));

    private static bool HasMacAt(NameSet set, bool isSource, ReadOnlySpan<byte> frame, int offset) =>
        offset + MacHeaderBytes <= frame.Length && set.HasMac(Mac(frame[(offset + (isSource ? 6 : 0))..]));

    /// <summary>The 48 bits of a MAC address.</summary>
    internal static ulong Mac(ReadOnlySpan<byte> bytes) =>
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);
}
