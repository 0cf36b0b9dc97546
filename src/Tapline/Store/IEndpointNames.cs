// Who the ends of a flow are where no observation point tells: asked when a batch is published, so that a record is named by
// what was known when it was finished, and the hot path knows no names.
namespace Tapline.Store;

/// <summary>Names machines by their addresses. Called on spool threads; look-ups allocate nothing. Null = unknown.</summary>
public interface IEndpointNames
{
    /// <summary>True when the machine behind the point is known: then the point names the end, and nobody else is asked.</summary>
    bool IsNamed(ushort pointId);

    /// <summary>Name of the machine with this NIC.</summary>
    string? OfMac(ulong mac);

    /// <summary>Name of the machine with this address.</summary>
    string? OfAddress(IpAddress16 ip);
}
