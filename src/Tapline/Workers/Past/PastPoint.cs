// A point of the past in the words of live ones: from the name and the description that a recording or a capture file has of
// it. In: hostile text. Out: what source words (`bridge:br0`, `vm:web01`, globs) are matched with. Pure.
using Tapline.Capture;
using Tapline.Store;

namespace Tapline.Workers.Past;

/// <summary>Makes observation points of descriptions.</summary>
internal static class PastPoint
{
    /// <summary>The point under a number of the caller's.</summary>
    public static ObservationPoint Of(ushort id, string name, string description)
    {
        var info = PointInfo.Parse(id, name, description);
        return new ObservationPoint
        {
            Id = id, Name = name, Kind = Kind(info.Kind), Switch = info.Switch, Vm = info.Vm, VmId = info.VmId,
        };
    }

    private static PointKind Kind(string kind)
    {
        foreach (var known in Enum.GetValues<PointKind>())
        {
            if (PointNames.Kind(known) == kind)
            {
                return known;
            }
        }

        return PointKind.Port;
    }
}
