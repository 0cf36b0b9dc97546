// What an ERSPAN header tells of the frame behind it.
namespace Tapline.Mirror.Encapsulate;

/// <summary>Facts of one frame for its ERSPAN header.</summary>
internal readonly record struct ErspanFacts
{
    /// <summary>ERSPAN session id, 10 bits.</summary>
    public required ushort SessionId { get; init; }

    /// <summary>Number of this packet in the tool's stream.</summary>
    public required uint Sequence { get; init; }

    /// <summary>The frame carries an 802.1Q tag, which stays in it; <see cref="Tag"/> repeats it.</summary>
    public bool IsTagged { get; init; }

    /// <summary>The tag's control information: priority 3 bits, DEI 1, VLAN 12.</summary>
    public ushort Tag { get; init; }

    /// <summary>The frame was cut.</summary>
    public bool IsTruncated { get; init; }

    /// <summary>Observation point, 12 bits (see Limits.PointsMax).</summary>
    public ushort PointId { get; init; }

    /// <summary>The point saw the frame leave (the host's own traffic into a switch), not enter.</summary>
    public bool IsEgress { get; init; }

    /// <summary>When the point saw it: nanoseconds since 1970-01-01 UTC.</summary>
    public long TimestampNs { get; init; }
}
