// Other people's text on a terminal or page: the names of VMs, interfaces and switches. Control characters could move
// the cursor, change the title or paste keys; direction marks could show one name as another. Both are printed as escapes.
using System.Globalization;
using System.Text;

namespace Tapline.Server.Commands;

/// <summary>Makes hostile text safe to print.</summary>
internal static class TerminalText
{
    public static string Printable(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            // An unpaired surrogate is enumerated as the replacement character, which is printable.
            if (IsPrintable(rune))
            {
                safe.Append(rune);
            }
            else
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            }
        }

        return safe.ToString();
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
