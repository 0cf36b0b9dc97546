// What opening an index came to. All but the first mean: make it anew from the packets, or read the packets themselves.
namespace Tapline.Record.Index;

/// <summary>Whether an index can be used.</summary>
public enum IndexVerdict : byte
{
    Sound,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>It can't be read by this user or from this device.</summary>
    Unreadable,

    /// <summary>Not an index, cut short, or its checksums do not hold.</summary>
    Damaged,

    /// <summary>It describes a segment of another length.</summary>
    Stale,

    /// <summary>Written by a later version.</summary>
    UnknownVersion,
}
