// One mapping of a configuration file under reading. Each value is asked for by its key and checked; whatever is wrong is
// noted with its line, and reading goes on, so that the operator sees all mistakes at once. Keys that nobody asked for
// are mistakes too: a misspelt key must not be a silent default.
using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Tapline.Server.Config;

/// <summary>Reads one mapping. Call <see cref="RejectOthers"/> last.</summary>
internal sealed class YamlSection(YamlMappingNode node, string path, List<ConfigurationMistake> mistakes)
{
    private readonly List<string> _known = [];

    public string? Text(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        if (value is YamlScalarNode { Value: { Length: > 0 } text })
        {
            return text;
        }

        Note(value, $"{Name(key)} must be a text.");
        return null;
    }

    /// <summary>A text that <paramref name="parse"/> understands; null from it is a mistake.</summary>
    public T? Parsed<T>(string key, Func<string, T?> parse, string shouldBe)
        where T : class
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (parse(text) is { } parsed)
        {
            return parsed;
        }

        Note(Find(key)!, $"{Name(key)}: '{text}' is not {shouldBe}.");
        return null;
    }

    public long? Number(string key, long least, long most)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= least && number <= most)
        {
            return number;
        }

        Note(Find(key)!, $"{Name(key)}: '{text}' is not a whole number from {least} to {most}.");
        return null;
    }

    public long? Bytes(string key, long least)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (Commands.Quantity.TryParseBytes(text, out var bytes) && bytes >= least)
        {
            return bytes;
        }

        var smallest = Commands.Quantity.Bytes(least);
        Note(Find(key)!, $"{Name(key)}: '{text}' is not a size such as 512MiB or 50GB, at least {smallest}.");
        return null;
    }

    /// <summary>A list of texts; a single text is a list of one.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        switch (Find(key))
        {
            case null:
                return [];
            case YamlScalarNode { Value: { Length: > 0 } one }:
                return [one];
            case YamlSequenceNode list:
                var texts = new List<string>();
                foreach (var item in list)
                {
                    if (item is YamlScalarNode { Value: { Length: > 0 } text })
                    {
                        texts.Add(text);
                    }
                    else
                    {
                        Note(item, $"{Name(key)} must be a list of texts.");
                    }
                }

                return texts;
            case { } other:
                Note(other, $"{Name(key)} must be a list, e.g. [br0, vnet*].");
                return [];
        }
    }

    public YamlSection? Section(string key)
    {
        switch (Find(key))
        {
            case null or YamlScalarNode { Value: null or "" }:
                return null;
            case YamlMappingNode mapping:
                return new YamlSection(mapping, Name(key) + ".", mistakes);
            case { } other:
                Note(other, $"{Name(key)} must be a section of `key: value` lines.");
                return null;
        }
    }

    public IReadOnlyList<YamlSection> Sections(string key)
    {
        switch (Find(key))
        {
            case null or YamlScalarNode { Value: null or "" }:
                return [];
            case YamlSequenceNode list:
                var sections = new List<YamlSection>();
                foreach (var item in list)
                {
                    if (item is YamlMappingNode mapping)
                    {
                        sections.Add(new YamlSection(mapping, Name(key) + "[].", mistakes));
                    }
                    else
                    {
                        Note(item, $"{Name(key)}: each item must be a section that begins with `- key: value`.");
                    }
                }

                return sections;
            case { } other:
                Note(other, $"{Name(key)} must be a list of sections, each beginning with `-`.");
                return [];
        }
    }

    /// <summary>Notes a mistake at a key's value, or at the section when the key is missing.</summary>
    public void Mistake(string key, string sentence) => Note(Find(key) ?? node, $"{Name(key)}: {sentence}");

    public void RejectOthers()
    {
        foreach (var key in node.Children.Keys)
        {
            var text = (key as YamlScalarNode)?.Value ?? "?";
            if (!_known.Contains(text))
            {
                var nearest = _known.Find(k => IsNear(k, text));
                var advice = nearest is null
                    ? $"known here: {string.Join(", ", _known)}."
                    : $"did you mean {path}{nearest}?";
                Note(key, $"{path}{text} is not known; {advice}");
            }
        }
    }

    private YamlNode? Find(string key)
    {
        if (!_known.Contains(key))
        {
            _known.Add(key);
        }

        return node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;
    }

    private string Name(string key) => path + key;

    private void Note(YamlNode at, string sentence) =>
        mistakes.Add(new ConfigurationMistake(at.Start.Line, at.Start.Column, sentence));

    /// <summary>Same but for one letter added, left out or exchanged, a plural or an underscore.</summary>
    private static bool IsNear(string known, string given)
    {
        var a = known.Replace("_", "", StringComparison.Ordinal);
        var b = given.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
        if (Math.Abs(a.Length - b.Length) > 1)
        {
            return false;
        }

        var front = a.Zip(b).TakeWhile(p => p.First == p.Second).Count();
        var back = a.Reverse().Zip(b.Reverse()).TakeWhile(p => p.First == p.Second).Count();
        return front + back >= Math.Max(a.Length, b.Length) - 1;
    }
}
