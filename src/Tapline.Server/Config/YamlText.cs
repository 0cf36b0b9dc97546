// YAML text → its one document, or the mistakes that keep it from being one. Hostile text: depth is bounded before the tree is
// built, and every way in which the parser gives up becomes a sentence.
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Tapline.Server.Config;

/// <summary>Parses YAML.</summary>
internal static class YamlText
{
    private const int DepthMax = 32;

    /// <summary>The root of the first document; null without a document, and after a mistake was noted.</summary>
    public static YamlNode? Parse(string text, List<ConfigurationMistake> mistakes)
    {
        YamlStream yaml = [];
        try
        {
            CheckDepth(text);
            yaml.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            var line = Math.Max(1, e.Start.Line);
            var reason = e.InnerException?.Message ?? e.Message;
            mistakes.Add(new ConfigurationMistake(line, e.Start.Column, $"This is not YAML: {reason}"));
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or FormatException
            or NullReferenceException)
        {
            // The parser's own way of giving up on some malformed texts; it names no place then.
            mistakes.Add(new ConfigurationMistake(1, 1, $"This is not YAML: {e.Message}"));
            return null;
        }

        if (yaml.Documents.Count > 1)
        {
            mistakes.Add(new ConfigurationMistake(1, 1, "This is several documents; one is wanted."));
            return null;
        }

        return yaml.Documents.Count == 0 ? null : yaml.Documents[0].RootNode;
    }

    /// <summary>The tree is built by recursion: brackets without end must not end the process.</summary>
    private static void CheckDepth(string text)
    {
        var parser = new Parser(new StringReader(text));
        for (var depth = 0; parser.MoveNext();)
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > DepthMax)
            {
                throw new YamlException(parser.Current.Start, parser.Current.End, "nested deeper than any configuration.");
            }
        }
    }
}
