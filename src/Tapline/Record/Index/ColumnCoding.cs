// How a column's numbers stand in the file. The writer takes whichever is shortest for the column.
namespace Tapline.Record.Index;

/// <summary>The codings of a column. Numbers are a format.</summary>
internal enum ColumnCoding : byte
{
    /// <summary>Every flow has the same number; it stands in the directory.</summary>
    Constant = 0,

    /// <summary>Groups of 64 numbers: a byte that says how many bits each takes, then the bits, the lowest first.</summary>
    Packed = 1,

    /// <summary>A varint for each flow.</summary>
    Varints = 2,

    /// <summary>Only those that are not zero: a varint with their count, then for each how many flows were passed over since
    /// the one before, and the number.</summary>
    Sparse = 3,

    /// <summary>A varint with the count of different numbers, at most 255, a varint each, the most frequent first; then places among
    /// them, packed like numbers.</summary>
    Dictionary = 4,
}
