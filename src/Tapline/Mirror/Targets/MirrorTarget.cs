// Where a session's copies go, as parsed from the operator's text. One record for each kind of target.
namespace Tapline.Mirror.Targets;

/// <summary>A parsed target. Immutable; its text, canonical, is what ledgers and records call it.</summary>
public abstract record MirrorTarget
{
    /// <summary>The tool port when the target is an interface of this host, which must not be captured; else null.</summary>
    public virtual string? Interface => null;

    /// <summary>The canonical text, which <see cref="TargetParser"/> reads again.</summary>
    public sealed override string ToString() => Text;

    /// <summary>See <see cref="ToString"/>.</summary>
    protected abstract string Text { get; }
}
