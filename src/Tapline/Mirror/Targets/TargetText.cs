// KIND:PLACE?key=value&key=value, the form that all targets share, taken apart. Every option must be taken by the kind
// that is parsed; what is left over is a mistake and named, with the options that exist. Pure; control threads.
using System.Globalization;

namespace Tapline.Mirror.Targets;

/// <summary>A target's text in parts.</summary>
internal sealed class TargetText
{
    private readonly List<string> _known = [];
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);

    /// <summary>Takes apart what follows <paramref name="prefix"/>.</summary>
    public TargetText(string text, string prefix)
    {
        Kind = prefix.TrimEnd('/', ':');
        var rest = text[prefix.Length..];
        var question = rest.IndexOf('?');
        Place = question < 0 ? rest : rest[..question];
        if (question < 0)
        {
            return;
        }

        foreach (var pair in rest[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            var key = equals < 0 ? pair : pair[..equals];
            if (!_options.TryAdd(key, equals < 0 ? "" : pair[(equals + 1)..]))
            {
                Mistake ??= $"The target's option {key} is given twice.";
            }
        }
    }

    /// <summary>The kind's word, e.g. <c>vxlan</c>.</summary>
    public string Kind { get; }

    /// <summary>Host, interface or path: what stands between the kind and the options.</summary>
    public string Place { get; }

    /// <summary>The first mistake in an option; null = none so far.</summary>
    public string? Mistake { get; private set; }

    /// <summary>A whole number; <paramref name="fallback"/> when the option is not given.</summary>
    public long Number(string key, long fallback, long min, long max)
    {
        if (!TryTake(key, out var value))
        {
            return fallback;
        }

        if (long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Mistake ??= $"{key}={value} is not possible for a {Kind} target; give a number from {min} to {max}.";
        return fallback;
    }

    /// <summary>One of the words; the first of them when the option is not given.</summary>
    public string Word(string key, params ReadOnlySpan<string> words)
    {
        if (!TryTake(key, out var value))
        {
            return words[0];
        }

        if (words.Contains(value))
        {
            return value;
        }

        Mistake ??= $"{key}={value} is not possible for a {Kind} target; {key} is one of {string.Join(", ", words!)}.";
        return words[0];
    }

    /// <summary>Any text; null when the option is not given.</summary>
    public string? Any(string key) => TryTake(key, out var value) ? value : null;

    /// <summary>Notes a mistake that the kind found itself; the first one counts.</summary>
    public void Refuse(string sentence) => Mistake ??= sentence;

    /// <summary>The first mistake, options that nobody took included; null when all is well.</summary>
    public string? Finish()
    {
        if (Mistake is null && _options.Count > 0)
        {
            var all = _known.Count == 0 ? "it has none" : $"its options are {string.Join(", ", _known)}";
            Mistake = $"A {Kind} target has no option {_options.Keys.First()}; {all}.";
        }

        return Mistake;
    }

    private bool TryTake(string key, out string value)
    {
        _known.Add(key);
        return _options.Remove(key, out value!);
    }
}
