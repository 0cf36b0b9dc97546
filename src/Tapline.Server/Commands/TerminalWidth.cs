// How wide a table may be. A pipe has no width of its own: there a row should stay one line.
using Spectre.Console;

namespace Tapline.Server.Commands;

/// <summary>Columns that tables have.</summary>
internal static class TerminalWidth
{
    /// <summary>Sets and returns it: the terminal's, or this in a pipe.</summary>
    public static int Take(int pipeColumns)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = pipeColumns;
        }

        return AnsiConsole.Profile.Width;
    }
}
