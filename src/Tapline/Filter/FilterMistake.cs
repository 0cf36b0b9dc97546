// One mistake in an expression: where, what, and what may have been meant.
using System.Globalization;
using System.Text;

namespace Tapline.Filter;

/// <summary>A mistake. Column counts from 0 and lies inside the text, or just behind its end.</summary>
/// <param name="Column">Where it begins.</param>
/// <param name="Length">How many characters it spans; at least 1.</param>
/// <param name="Message">A clause without a full stop.</param>
/// <param name="Suggestion">What may have been meant, or null.</param>
public sealed record FilterMistake(int Column, int Length, string Message, string? Suggestion = null)
{
    /// <summary>All mistakes of an expression as one sentence; each names its column, counted from 1.</summary>
    public static string Sentence(string text, IReadOnlyList<FilterMistake> mistakes)
    {
        var sentence = new StringBuilder();
        sentence.Append(CultureInfo.InvariantCulture, $"The filter expression \"{Printable(text)}\" is not valid: ");
        for (var i = 0; i < mistakes.Count; i++)
        {
            var mistake = mistakes[i];
            sentence.Append(i > 0 ? "; " : "").Append(mistake.Message);
            sentence.Append(CultureInfo.InvariantCulture, $" (column {mistake.Column + 1}");
            sentence.Append(mistake.Suggestion is null ? ")" : $"; did you mean `{mistake.Suggestion}`?)");
        }

        return sentence.Append('.').ToString();
    }

    /// <summary>The text with a line below that points at the mistake.</summary>
    public string Pointer(string text)
    {
        var line = Printable(text);
        var tail = Math.Clamp(Length - 1, 0, Math.Max(line.Length - Column - 1, 0));
        return line + "\n" + new string(' ', Column) + '^' + new string('~', tail);
    }

    /// <summary>The text as one line of a terminal: what would move the cursor becomes a question mark.</summary>
    internal static string Printable(string text) =>
        string.Create(text.Length, text, (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = source[i] is '\n' or '\r' or '\t' ? ' ' : char.IsControl(source[i]) ? '?' : source[i];
            }
        });
}
