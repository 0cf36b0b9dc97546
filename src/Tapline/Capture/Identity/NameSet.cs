// A few names of one thing: tags of a VM, or what else it is called. In: hostile text. Out: cleaned, sorted, each once,
// bounded. Compared by content, so that records that hold one are equal when nothing changed. Immutable; any thread.
using System.Collections;
using Tapline.Base;
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>An immutable set of names, compared by content.</summary>
public sealed class NameSet : IReadOnlyList<string>, IEquatable<NameSet>
{
    /// <summary>No name at all.</summary>
    public static readonly NameSet Empty = new([]);

    private readonly string[] _names;

    private NameSet(string[] names) => _names = names;

    public int Count => _names.Length;

    public string this[int index] => _names[index];

    /// <summary>Cleans and sorts; at most <see cref="Limits.VmTagsMax"/> are kept. Empty texts count for nothing.</summary>
    public static NameSet Of(IEnumerable<string> names)
    {
        string[] clean = [.. names.Select(n => HostileText.Clean(n)).Where(n => n.Length > 0).Distinct().Take(Limits.VmTagsMax)];
        Array.Sort(clean, StringComparer.Ordinal);
        return clean.Length == 0 ? Empty : new NameSet(clean);
    }

    /// <summary>The names of both.</summary>
    public NameSet With(NameSet other) =>
        other.Count == 0 ? this : Count == 0 ? other : Of(_names.Concat(other._names));

    /// <summary>True when one of the names fits the pattern (<c>*</c> and <c>?</c>).</summary>
    public bool HasLike(string pattern)
    {
        foreach (var name in _names)
        {
            if (Glob.Matches(pattern, name))
            {
                return true;
            }
        }

        return false;
    }

    public bool Equals(NameSet? other) => other is not null && _names.AsSpan().SequenceEqual(other._names);

    public override bool Equals(object? obj) => Equals(obj as NameSet);

    public override int GetHashCode() => _names.Length == 0 ? 0 : HashCode.Combine(_names.Length, _names[0], _names[^1]);

    public override string ToString() => string.Join(", ", _names);

    public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)_names).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
