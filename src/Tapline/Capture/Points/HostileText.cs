// Names that a guest, its owner or any process chose: bounded, and free of what could confuse a terminal or a log.
using Tapline.Base;

namespace Tapline.Capture.Points;

/// <summary>Cleans text of unknown origin.</summary>
internal static class HostileText
{
    /// <summary>At most <see cref="Limits.HostileNameCharactersMax"/> characters; control and formatting ones become '?'.</summary>
    public static string Clean(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        Span<char> clean = stackalloc char[Math.Min(text.Length, Limits.HostileNameCharactersMax)];
        for (var i = 0; i < clean.Length; i++)
        {
            var category = char.GetUnicodeCategory(text[i]);
            clean[i] = category is System.Globalization.UnicodeCategory.Control
                or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator
                or System.Globalization.UnicodeCategory.Surrogate
                ? '?'
                : text[i];
        }

        return new string(clean);
    }
}
