// Comma-separated values, RFC 4180: cells in quotation marks may hold separators, line ends and doubled quotation marks.
// In: the whole text, hostile, and the separator. Out: one row after another with the line that it begins on.
// Linear in the text; a row has at most 256 cells, the rest of it is passed over. Pure; one thread.
using System.Text;

namespace Tapline.Capture.Identity;

/// <summary>Reads rows of cells.</summary>
internal sealed class CsvText(string text, char separator)
{
    private const int CellsMax = 256;
    private const char Quote = '"';
    private readonly StringBuilder _cell = new();
    private int _at;
    private int _line = 1;

    /// <summary>The line on which the row that was read last begins.</summary>
    public int Line { get; private set; }

    /// <summary>One sentence when the row that was read last is not as RFC 4180 has it; else null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads the next row that is not blank; false at the end.</summary>
    public bool TryRead(List<string> cells)
    {
        do
        {
            if (_at >= text.Length)
            {
                return false;
            }

            cells.Clear();
            Fault = null;
            Line = _line;
            while (ReadCell(cells))
            {
            }
        }
        while (cells.Count == 1 && cells[0].Length == 0 && Fault is null);

        return true;
    }

    // True when another cell follows in this row.
    private bool ReadCell(List<string> cells)
    {
        _cell.Clear();
        if (_at < text.Length && text[_at] == Quote)
        {
            ReadQuoted();
        }

        var start = _at;
        while (_at < text.Length && text[_at] != separator && text[_at] is not ('\n' or '\r'))
        {
            _at++;
        }

        var rest = text.AsSpan(start, _at - start);
        if (_cell.Length > 0 && !rest.Trim().IsEmpty)
        {
            Fault ??= "text follows a closing quotation mark; double the quotation marks inside of a cell.";
        }

        if (cells.Count < CellsMax)
        {
            cells.Add(_cell.Append(rest).ToString().Trim());
        }

        if (_at < text.Length && text[_at] == separator)
        {
            _at++;
            return true;
        }

        EndLine();
        return false;
    }

    private void ReadQuoted()
    {
        for (_at++; _at < text.Length; _at++)
        {
            if (text[_at] != Quote)
            {
                _line += text[_at] == '\n' ? 1 : 0;
                _cell.Append(text[_at]);
            }
            else if (_at + 1 < text.Length && text[_at + 1] == Quote)
            {
                _cell.Append(text[_at++]);
            }
            else
            {
                _at++;
                return;
            }
        }

        Fault ??= "the quotation mark that begins a cell here is never closed.";
    }

    // LF, CRLF, and the lone CR of old Macs.
    private void EndLine()
    {
        if (_at < text.Length && text[_at] == '\r')
        {
            _at++;
            if (_at >= text.Length || text[_at] != '\n')
            {
                _line++;
                return;
            }
        }

        if (_at < text.Length)
        {
            _at++;
            _line++;
        }
    }
}
