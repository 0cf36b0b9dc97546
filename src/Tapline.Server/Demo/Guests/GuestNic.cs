// One network card of a guest. In: what QEMU is to plug together. Plain values; any thread.
namespace Tapline.Server.Demo.Guests;

/// <summary>A virtual network card and the tap device behind it.</summary>
/// <param name="Tap">Name of the tap device, the port of the switch.</param>
/// <param name="Mac">Its address as text.</param>
/// <param name="Address">IP address with prefix length that the guest sets, or null.</param>
internal sealed record GuestNic(string Tap, string Mac, string? Address);
