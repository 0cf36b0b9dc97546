// TARGET*WEIGHT|TARGET|…: several targets that share a session's flows, by their weights. Each flow goes to one of them.
using System.Globalization;

namespace Tapline.Mirror.Targets;

/// <summary>A group of targets.</summary>
/// <param name="Members">At least two, none twice, none a group itself.</param>
/// <param name="Weights">Each member's share of the flows, as <see cref="WeightMax"/> at most; 1 where none was written.</param>
public sealed record GroupTarget(IReadOnlyList<MirrorTarget> Members, IReadOnlyList<int> Weights) : MirrorTarget
{
    /// <summary>Stands between the members of a group.</summary>
    public const char Separator = '|';

    /// <summary>The largest weight: each unit of it costs a hash for each frame.</summary>
    public const int WeightMax = 16;

    /// <summary>Members at most.</summary>
    public const int MembersMax = 16;

    private const char WeightSign = '*';

    /// <inheritdoc/>
    public override IReadOnlyList<string> Interfaces => [.. Members.SelectMany(m => m.Interfaces)];

    /// <inheritdoc/>
    protected override string Text => string.Join(Separator, Members.Zip(Weights, static (m, w) => TextOf(m.ToString(), w)));

    /// <inheritdoc/>
    public bool Equals(GroupTarget? other) =>
        other is not null && Members.SequenceEqual(other.Members) && Weights.SequenceEqual(other.Weights);

    /// <inheritdoc/>
    public override int GetHashCode() => Members.Aggregate(Members.Count, HashCode.Combine);

    /// <summary>Null and one sentence when these cannot be a group.</summary>
    internal static GroupTarget? Of(List<MirrorTarget> members, List<int> weights, out string? error)
    {
        error = members.Count > MembersMax ? $"A group has at most {MembersMax} targets, not {members.Count}."
            : members.GroupBy(m => m.ToString()).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? $"{twice.Key} is in the group twice; name it once."
            : null;
        return error is null ? new GroupTarget(members, weights) : null;
    }

    /// <summary>Takes the weight off a member's text; 1 when it has none, -1 and one sentence when it cannot be.</summary>
    internal static int TakeWeight(ref string member, out string? error)
    {
        error = null;
        var sign = WeightAt(member);
        if (sign < 0)
        {
            return 1;
        }

        if (int.TryParse(member.AsSpan(sign + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var weight)
            && weight is >= 1 and <= WeightMax)
        {
            member = member[..sign];
            return weight;
        }

        error = $"The weight of {member} is not possible; give a number from 1 to {WeightMax}.";
        return -1;
    }

    // A path may itself end in what looks like a weight: then its weight is always written.
    private static string TextOf(string member, int weight) =>
        weight == 1 && WeightAt(member) < 0 ? member : string.Create(CultureInfo.InvariantCulture, $"{member}{WeightSign}{weight}");

    private static int WeightAt(string member)
    {
        var sign = member.LastIndexOf(WeightSign);
        return sign < 0 || sign == member.Length - 1 || member.AsSpan(sign + 1).ContainsAnyExceptInRange('0', '9') ? -1 : sign;
    }
}
