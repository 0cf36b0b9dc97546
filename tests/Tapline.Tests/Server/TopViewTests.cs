// What `tapline top` draws when others chose the names: text in its place, nothing that a terminal obeys.
using Spectre.Console;
using Tapline.Server.Commands;
using Tapline.Server.Telemetry;
using Xunit;

namespace Tapline.Tests.Server;

public class TopViewTests
{
    private const string Hostile = "web\u001b[31m\u001b]0;title\u0007\u202e[red]x[/]\0\r\n";

    [Fact]
    public void NamesAreTextWhateverTheyHold()
    {
        var snapshot = new EngineSnapshot
        {
            Node = Hostile,
            Points = [new() { Id = 1, Name = Hostile, Kind = "vm_port", Switch = Hostile, Vm = Hostile, Arrived = 5, Captured = 5 }],
            Mirrors = [new() { Session = Hostile, To = Hostile, From = [Hostile], Filter = Hostile, State = "down", Reason = Hostile }],
        };
        var state = LiveState.Unknown with { Snapshot = snapshot, Trouble = Hostile };
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = 400;
        console.Write(TopView.Draw(state, rows: 0));
        var drawn = text.ToString();
        Assert.Contains(@"web\u{1b}[31m\u{1b}]0;title\u{7}\u{202e}[red]x[/]\u{0}", drawn, StringComparison.Ordinal);
        Assert.DoesNotContain(drawn, c => c is not '\n' and not '\r' && (char.IsControl(c) || c == '\u202e'));
    }
}
