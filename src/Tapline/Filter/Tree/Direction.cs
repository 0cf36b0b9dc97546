// Which end of a frame an address or port is looked for at.
namespace Tapline.Filter.Tree;

/// <summary>`src`, `dst`, `src or dst` (also when nothing is said), `src and dst`.</summary>
public enum Direction : byte
{
    Either,
    Source,
    Destination,
    Both,
}
