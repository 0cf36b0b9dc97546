// Where a session's copies go, as parsed from the operator's text. One record for each kind of target.
namespace Tapline.Mirror.Targets;

/// <summary>A parsed target. Immutable; its text, canonical, is what ledgers and records call it.</summary>
public abstract record MirrorTarget
{
    /// <summary>Tool ports: interfaces of this host that take copies and must not be captured.</summary>
    public virtual IReadOnlyList<string> Interfaces => [];

    /// <summary>The canonical text, which <see cref="TargetParser"/> reads again.</summary>
    public sealed override string ToString() => Text;

    /// <summary>See <see cref="ToString"/>.</summary>
    protected abstract string Text { get; }
}
