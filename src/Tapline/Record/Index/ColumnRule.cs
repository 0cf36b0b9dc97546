// How a column's value is guessed from what stands before it; the file holds the difference, which is small or zero.
namespace Tapline.Record.Index;

/// <summary>The guess for a value of a column.</summary>
internal enum ColumnRule : byte
{
    /// <summary>None: the value itself is stored, unsigned.</summary>
    None,

    /// <summary>The same column of the flow before; of the first flow the segment's first time for times, else 0.</summary>
    Previous,

    /// <summary>Column A of the same flow.</summary>
    Like,

    /// <summary>A + B.</summary>
    Sum,

    /// <summary>A × B.</summary>
    Product,

    /// <summary>Frames A of B bytes without the usual headers of the flow's protocol.</summary>
    WithoutHeaders,

    /// <summary>1460: the segment size of TCP over IPv4 on Ethernet.</summary>
    EthernetSegment,

    /// <summary>2 × (A − 1): what the list of A packets takes in bytes.</summary>
    ListOf,
}
