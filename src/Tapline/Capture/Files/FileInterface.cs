// What a capture file says about the place its frames were captured at.
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>One interface of a capture file: an interface block of pcapng, or the header of a classic file.</summary>
/// <remarks>Immutable. The name is hostile text: whoever wrote the file chose it.</remarks>
public sealed record FileInterface
{
    /// <summary>The observation point that the interface's frames carry.</summary>
    public required ushort PointId { get; init; }

    /// <summary>The interface's name, or the file's where it has none.</summary>
    public required string Name { get; init; }

    /// <summary>What the file says about it beside the name; empty where nothing. Hostile text, too.</summary>
    public string Description { get; init; } = "";

    public required LinkType LinkType { get; init; }

    /// <summary>Most bytes kept of a frame; 0 = no limit stated.</summary>
    public required uint SnapLength { get; init; }

    /// <summary>Timestamp units in a second; 0 where it does not fit 64 bits.</summary>
    public required ulong TicksPerSecond { get; init; }

    /// <summary>Bytes of frame check sequence at each frame's end; the reader takes them off.</summary>
    public int FcsBytes { get; init; }

    /// <summary>The pcapng section it belongs to, from 0.</summary>
    public int Section { get; init; }
}
