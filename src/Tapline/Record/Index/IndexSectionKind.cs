// The parts of an index file. Numbers are a format; a reader passes over those that it does not know.
namespace Tapline.Record.Index;

/// <summary>What a section holds.</summary>
internal enum IndexSectionKind : ushort
{
    /// <summary>The filter over all keys.</summary>
    Filter = 1,

    /// <summary>Which columns there are, with their bounds and lengths.</summary>
    Directory = 2,

    /// <summary>The columns' values.</summary>
    Columns = 3,

    /// <summary>Each flow's packets.</summary>
    Packets = 4,

    /// <summary>Times and offsets of runs of packets.</summary>
    Times = 5,

    /// <summary>IP addresses of all flows, sorted.</summary>
    Addresses = 6,

    /// <summary>MAC addresses of all flows, sorted.</summary>
    Macs = 7,

    /// <summary>Texts and observation points.</summary>
    Names = 8,
}
