// Reads the tables that tshark made of the corpus (`truth/*.tsv`: first line names the columns).
using System.Globalization;

namespace Tapline.Tests.CorpusProof;

/// <summary>One table of the truth, by capture file.</summary>
internal sealed class Truth
{
    private readonly Dictionary<string, int> _columns;
    private readonly Dictionary<string, List<string[]>> _rows = [];

    public Truth(string path)
    {
        var lines = File.ReadLines(path).ToList();
        _columns = lines[0].Split('\t').Select((name, index) => (name, index)).ToDictionary(c => c.name, c => c.index);
        foreach (var cells in lines.Skip(1).Select(line => line.Split('\t')))
        {
            if (!_rows.TryGetValue(cells[0], out var rows))
            {
                _rows[cells[0]] = rows = [];
            }

            rows.Add(cells);
        }
    }

    public IReadOnlyList<string[]> Of(string file) => _rows.TryGetValue(file, out var rows) ? rows : [];

    public string Text(string[] row, string column) => row[_columns[column]];

    public long Number(string[] row, string column)
    {
        var text = Text(row, column);
        return text.Length == 0 ? 0 : long.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>A number of seconds as nanoseconds, exactly; -1 when the cell is empty.</summary>
    public long Nanoseconds(string[] row, string column)
    {
        var text = Text(row, column);
        if (text.Length == 0)
        {
            return -1;
        }

        // sharkd prints the negative start of a capture whose time goes back as a huge number.
        var value = decimal.Parse(text, CultureInfo.InvariantCulture) * 1_000_000_000m;
        return value > long.MaxValue ? long.MinValue : (long)value;
    }
}
