// An observation point as the segments describe it: one for each description that differs in anything.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>A point of a query's answer. Names are hostile text.</summary>
/// <param name="Id">Its number in the answer, from 0; what frames carry.</param>
/// <param name="Name">if_name, or empty.</param>
/// <param name="Description">if_description, or empty.</param>
/// <param name="LinkType">Of its frames.</param>
/// <param name="Options">Its options as recorded, without the end mark: they go into the answer as they are.</param>
public sealed record ExtractPoint(ushort Id, string Name, string Description, LinkType LinkType, ReadOnlyMemory<byte> Options)
{
    /// <summary>Nanoseconds of one unit of its times; a power of ten.</summary>
    public long UnitNs { get; init; } = 1;
}
