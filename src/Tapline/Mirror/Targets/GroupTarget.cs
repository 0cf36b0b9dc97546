// TARGET|TARGET|…: several targets that share a session's flows. Each flow goes to one of them.
namespace Tapline.Mirror.Targets;

/// <summary>A group of targets.</summary>
/// <param name="Members">At least two, none twice, none a group itself.</param>
public sealed record GroupTarget(IReadOnlyList<MirrorTarget> Members) : MirrorTarget
{
    /// <summary>Stands between the members of a group.</summary>
    public const char Separator = '|';

    private const int MembersMax = 16;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Interfaces => [.. Members.SelectMany(m => m.Interfaces)];

    /// <inheritdoc/>
    protected override string Text => string.Join(Separator, Members);

    /// <inheritdoc/>
    public bool Equals(GroupTarget? other) => other is not null && Members.SequenceEqual(other.Members);

    /// <inheritdoc/>
    public override int GetHashCode() => Members.Aggregate(Members.Count, HashCode.Combine);

    /// <summary>Null and one sentence when these cannot be a group.</summary>
    internal static GroupTarget? Of(List<MirrorTarget> members, out string? error)
    {
        error = members.Count > MembersMax ? $"A group has at most {MembersMax} targets, not {members.Count}."
            : members.GroupBy(m => m.ToString()).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? $"{twice.Key} is in the group twice; name it once."
            : null;
        return error is null ? new GroupTarget(members) : null;
    }
}
