// Where a session's copies go, as parsed from the operator's text.
namespace Tapline.Mirror;

/// <summary>The kinds of targets that exist now.</summary>
public enum MirrorTargetKind : byte
{
    /// <summary>A network interface of this host: the tool port.</summary>
    Nic,
}

/// <summary>A parsed target.</summary>
/// <param name="Kind">What carries the copies.</param>
/// <param name="Interface">The interface's name.</param>
public sealed record MirrorTarget(MirrorTargetKind Kind, string Interface)
{
    /// <summary>The text that names it.</summary>
    public override string ToString() => $"nic:{Interface}";
}
