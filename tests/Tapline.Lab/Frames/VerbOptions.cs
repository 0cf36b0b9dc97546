// `--name value` pairs of a tool verb, checked as they are read. Not the product's command line: a lab tool's.
using System.Globalization;

namespace Tapline.Lab.Frames;

/// <summary>Options of a verb.</summary>
internal sealed class VerbOptions
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>Parses; null when the arguments are not pairs.</summary>
    public static VerbOptions? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new VerbOptions();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == arguments.Length)
            {
                return null;
            }

            options._values[arguments[i][2..]] = arguments[i + 1];
        }

        return options;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public double Number(string name, double otherwise) =>
        _values.TryGetValue(name, out var text) ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public int Whole(string name, int otherwise) => (int)Number(name, otherwise);
}
