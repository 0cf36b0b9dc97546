// What others have named can neither steer a terminal nor show itself as something else.
using CsCheck;
using System.Globalization;
using System.Text;
using Tapline.Server.Commands;
using Xunit;

namespace Tapline.Tests.Server;

public class TerminalTextTests
{
    [Theory]
    [InlineData("web01", "web01")]
    [InlineData("Büro-日本", "Büro-日本")]
    [InlineData("a\u001b[2Jb", "a\\u{1b}[2Jb")]
    [InlineData("a\rb\nc\td", "a\\u{d}b\\u{a}c\\u{9}d")]
    [InlineData("\u202egnp.exe", "\\u{202e}gnp.exe")]
    [InlineData("\u009b1m", "\\u{9b}1m")]
    [InlineData("x\u200by", "x\\u{200b}y")]
    [InlineData(null, "")]
    public void ControlAndDirectionCharactersAreShownAsEscapes(string? given, string printed) =>
        Assert.Equal(printed, TerminalText.Printable(given));

    [Fact]
    public void NothingThatIsPrintedCanSteer() => Gen.String.Sample(text =>
        Assert.DoesNotContain(
            TerminalText.Printable(text).EnumerateRunes(),
            r => Rune.GetUnicodeCategory(r) is UnicodeCategory.Control or UnicodeCategory.Format));
}
