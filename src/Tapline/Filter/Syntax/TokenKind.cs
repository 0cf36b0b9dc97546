// The kinds of token of the expression language.
namespace Tapline.Filter.Syntax;

/// <summary>What a token is.</summary>
internal enum TokenKind : byte
{
    End,

    /// <summary>A keyword or a name.</summary>
    Word,

    /// <summary>A name after a backslash: never a keyword.</summary>
    EscapedWord,

    /// <summary>A text between double quotes.</summary>
    Quoted,
    Number,

    /// <summary>Two to four decimal numbers with dots.</summary>
    Address4,
    Address6,
    MacAddress,

    /// <summary>An operator or bracket; <see cref="Token.Symbol"/> says which.</summary>
    Symbol,

    /// <summary>Nothing that the language knows; <see cref="Token.Text"/> says what is wrong.</summary>
    Bad,
}
