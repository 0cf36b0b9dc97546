// What a running QEMU says of itself. Text was cleaned and bounded. Immutable; any thread.
namespace Tapline.Capture.Identity;

/// <summary>A machine by its own account.</summary>
/// <param name="Name">Its name; empty when it has none.</param>
/// <param name="Uuid">Its UUID; empty when it has none.</param>
/// <param name="MacByTap">The address of the NIC that each tap device serves.</param>
internal sealed record QmpMachine(string Name, string Uuid, IReadOnlyDictionary<string, ulong> MacByTap)
{
    /// <summary>A machine that says nothing.</summary>
    public static readonly QmpMachine Silent = new("", "", new Dictionary<string, ulong>());
}
