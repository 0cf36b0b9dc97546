// One entry of a batch's table of machines: whoever has this address had this name when the batch was published.
namespace Tapline.Store;

/// <summary>A machine's name by one of its addresses; the other of the two is zero.</summary>
/// <param name="Mac">MAC address of its NIC, or 0.</param>
/// <param name="Ip">Its IP address, or none.</param>
/// <param name="Name">Its name: hostile text.</param>
public sealed record EndpointName(ulong Mac, IpAddress16 Ip, string Name);
