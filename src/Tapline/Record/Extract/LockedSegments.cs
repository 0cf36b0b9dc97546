// Segments that can't be opened when a query is planned: encrypted with a key that is not known here, or no container at all. One
// sentence for each key, however many segments it has closed.
using Tapline.Record.Container;

namespace Tapline.Record.Extract;

/// <summary>Collects what a query can't open. One thread.</summary>
internal sealed class LockedSegments
{
    private readonly Dictionary<string, (int Count, string Why)> _byKey = new(StringComparer.Ordinal);
    private readonly List<string> _damaged = [];

    /// <summary>One sentence for each key and each damaged segment.</summary>
    public IEnumerable<string> Holes =>
    [
        .. _byKey.Values.Select(k => k.Count == 1
            ? $"1 segment was left out: {k.Why}" : $"{k.Count} segments were left out, each for the same reason: {k.Why}"),
        .. _damaged,
    ];

    /// <summary>Throws where a key that is not known here closes all there is: then there is nothing to ask.</summary>
    public void ThrowIfAll(int others)
    {
        if (others == 0 && _byKey.Count > 0)
        {
            throw new ContainerException(_byKey.Values.First().Why);
        }
    }

    public void Add(string file, ContainerException why)
    {
        if (why.MissingKey is { } key)
        {
            _byKey[key] = (_byKey.GetValueOrDefault(key).Count + 1, why.Message);
        }
        else
        {
            _damaged.Add($"Segment {file} can't be read and was left out: {why.Message}.");
        }
    }
}
