// Protocol numbers of an index that no flow's record has (docs/formats/index.md).
namespace Tapline.Record.Index;

/// <summary>Kinds of rows and keys beyond <c>FlowProtocol</c>.</summary>
internal static class IndexProtocol
{
    /// <summary>A row of packets that belong to no flow (later fragments whose first was not seen) and share their headers.</summary>
    public const ushort Loose = 259;

    /// <summary>A key alone: some packets have addresses that no column says (cut headers, RARP, ARP of other links).</summary>
    public const ushort Unaddressed = 260;

    /// <summary>A key alone: some packets are in a tunnel or have labels of MPLS.</summary>
    public const ushort Tunnelled = 261;
}
