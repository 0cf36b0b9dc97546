// When is a fragmented packet whole? By sum of lengths: overlaps, which no honest sender makes, may end it early.
using Tapline.Decode;

namespace Tapline.Flows;

/// <summary>Adds up a fragmented packet's payload.</summary>
internal static class FragmentMath
{
    /// <summary>Counts one fragment's part of the IP payload; the last fragment tells the whole length.</summary>
    public static void Add(ref FragmentEntry entry, in FrameLayout layout)
    {
        var length = (uint)Math.Max(0, layout.NetworkOffset + layout.NetworkLength - layout.TransportOffset);
        entry.ReceivedLength += length;
        if ((layout.Flags & LayoutFlags.MoreFragments) == 0)
        {
            entry.TotalLength = layout.FragmentOffset + length;
        }
    }
}
