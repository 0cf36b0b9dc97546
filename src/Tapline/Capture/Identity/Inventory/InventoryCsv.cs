// An inventory as comma-separated values: bytes of the file in, VMs or all mistakes out. UTF-8 and UTF-16 by their byte order
// marks, UTF-8 without one; separator by what makes most sense of the titles; lines before them that begin with # (PowerShell's
// type line) or sep= (Excel's) are passed over. Hostile bytes; bounded by Limits; pure, any thread.
using System.Text;
using Tapline.Base;

namespace Tapline.Capture.Identity;

/// <summary>Reads inventories of comma-separated values.</summary>
public static class InventoryCsv
{
    private const string TitlesWanted =
        "the first line must name the columns, for example: name,mac,ip,tags";

    private static readonly char[] s_separators = [',', ';', '\t'];

    /// <summary>Reads a file; null and the mistakes when there is one.</summary>
    public static VmInventory? Read(ReadOnlySpan<byte> file, out IReadOnlyList<InventoryMistake> mistakes)
    {
        if (file.Length > Limits.InventoryBytesMax)
        {
            mistakes = [new(1, $"the file is larger than {Limits.InventoryBytesMax >> 20} MiB; is it the right one?")];
            return null;
        }

        if (Decode(file, out var mistake) is not { } text)
        {
            mistakes = [mistake!];
            return null;
        }

        var builder = new InventoryBuilder();
        ReadRows(text, builder);
        return builder.Build(out mistakes);
    }

    private static void ReadRows(string text, InventoryBuilder builder)
    {
        var titles = new List<string>();
        if (Begin(text, titles) is not { } csv)
        {
            builder.Mistake(1, $"the file is empty; {TitlesWanted}.");
            return;
        }

        var fields = titles.ConvertAll(t => InventoryTitles.FieldOf(t, out _));
        if (!fields.Contains(InventoryField.Name))
        {
            var found = Points.HostileText.Clean(string.Join(", ", titles));
            builder.Mistake(csv.Line, $"no column is called name, vm or vmname, only: {found}; {TitlesWanted}.");
            return;
        }

        var cells = new List<string>();
        var row = new List<KeyValuePair<string, string>>();
        while (csv.TryRead(cells))
        {
            if (csv.Fault is { } fault)
            {
                builder.Mistake(csv.Line, fault);
                continue;
            }

            // A row that ends early has nothing in its last columns; exports leave rows of bare separators behind.
            if (cells.TrueForAll(c => c.Length == 0))
            {
                continue;
            }

            row.Clear();
            for (var i = 0; i < Math.Min(cells.Count, titles.Count); i++)
            {
                row.Add(new(titles[i], cells[i]));
            }

            builder.Add(csv.Line, row);
        }
    }

    // Reads up to and with the titles.
    private static CsvText? Begin(string text, List<string> titles)
    {
        (int Known, int Cells, char Separator) best = (-1, 0, ',');
        foreach (var separator in s_separators)
        {
            if (ReadTitles(text, separator, titles) is not null)
            {
                var known = titles.Count(t => InventoryTitles.FieldOf(t, out _) != InventoryField.Other);
                best = (known, titles.Count).CompareTo((best.Known, best.Cells)) > 0 ? (known, titles.Count, separator) : best;
            }
        }

        return ReadTitles(text, best.Separator, titles);
    }

    private static CsvText? ReadTitles(string text, char separator, List<string> titles)
    {
        var csv = new CsvText(text, separator);
        while (csv.TryRead(titles))
        {
            if (!titles[0].StartsWith('#') && !titles[0].StartsWith("sep=", StringComparison.OrdinalIgnoreCase))
            {
                return csv;
            }
        }

        return null;
    }

    private static string? Decode(ReadOnlySpan<byte> file, out InventoryMistake? mistake)
    {
        mistake = null;
        var (encoding, mark) = file switch
        {
            [0xEF, 0xBB, 0xBF, ..] => ((Encoding)new UTF8Encoding(false, true), 3),
            [0xFF, 0xFE, ..] => (new UnicodeEncoding(false, false, true), 2),
            [0xFE, 0xFF, ..] => (new UnicodeEncoding(true, false, true), 2),
            _ => (new UTF8Encoding(false, true), 0),
        };
        try
        {
            return encoding.GetString(file[mark..]);
        }
        catch (DecoderFallbackException problem)
        {
            var line = mark == 2 ? 1 : 1 + file[..Math.Clamp(mark + problem.Index, 0, file.Length)].Count((byte)'\n');
            mistake = new InventoryMistake(line, "this is neither UTF-8 nor UTF-16; save the file as UTF-8.");
            return null;
        }
    }
}
