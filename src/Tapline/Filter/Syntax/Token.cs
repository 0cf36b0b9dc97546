// One token with its place in the text.
namespace Tapline.Filter.Syntax;

/// <summary>A token. <see cref="Text"/> is its text, or for a bad one what is wrong with it.</summary>
internal readonly record struct Token(
    TokenKind Kind, int Start, int End, string Text = "", Symbol Symbol = Symbol.None, uint Number = 0,
    UInt128 Address = default)
{
    public int Length => Math.Max(End - Start, 1);

    public bool Is(Symbol symbol) => Kind == TokenKind.Symbol && Symbol == symbol;

    public bool IsWord(string word) => Kind == TokenKind.Word && Text == word;
}
