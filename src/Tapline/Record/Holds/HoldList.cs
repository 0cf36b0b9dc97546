// All holds of a recording as they stand in its file: an immutable snapshot.
namespace Tapline.Record.Holds;

/// <summary>The holds in force.</summary>
/// <param name="Holds">In the order of their numbers.</param>
/// <param name="NextId">The number that the next one gets; numbers are never used again.</param>
public sealed record HoldList(IReadOnlyList<Hold> Holds, long NextId)
{
    public static HoldList Empty { get; } = new([], 1);

    /// <summary>True when a hold keeps a segment that begins at this time.</summary>
    public bool Keeps(long segmentStartNs)
    {
        for (var index = 0; index < Holds.Count; index++)
        {
            if (Holds[index].Keeps(segmentStartNs))
            {
                return true;
            }
        }

        return false;
    }
}
