// A machine as a recording names it, so that a query finds it years later without asking the host. Names are hostile text.
namespace Tapline.Record;

/// <summary>A machine.</summary>
/// <param name="Name">As its owner calls it.</param>
/// <param name="Id">Its own identifier; empty = none.</param>
/// <param name="Aliases">Other names.</param>
/// <param name="Tags">Labels that its owner gave it.</param>
/// <param name="Macs">Addresses of its NICs, 48 bits each.</param>
public sealed record RecordedMachine(
    string Name, string Id, IReadOnlyList<string> Aliases, IReadOnlyList<string> Tags, IReadOnlyList<ulong> Macs)
{
    /// <summary>True when the other one says the same.</summary>
    public bool Says(RecordedMachine other) => Name == other.Name && Id == other.Id && Aliases.SequenceEqual(other.Aliases)
        && Tags.SequenceEqual(other.Tags) && Macs.SequenceEqual(other.Macs);
}
