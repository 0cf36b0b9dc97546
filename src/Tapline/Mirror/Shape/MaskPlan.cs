// Which bytes of payloads are made unreadable, compiled. Immutable, shared by all workers of a session.
//
// Protocol fields are machines whose secret is known by what stands before it ("\nauthorization: "), so they run along
// the stream from segment to segment. A stream begins as if a line had ended there.
namespace Tapline.Mirror.Shape;

/// <summary>A compiled mask.</summary>
public sealed record MaskPlan
{
    /// <summary>Protocol fields that one mask can follow.</summary>
    public const int FieldsMax = 6;

    /// <summary>Bytes of the filler's key.</summary>
    public const int FillKeyBytes = 16;

    private const string Value = @"(=[^ \t\r\n][^\r\n]*)";
    private const string Line = @"(=[^\r\n]+)";

    private static readonly (string Word, string Pattern)[] s_fields =
    [
        ("http-auth", @"\n(proxy-)?authorization:[ \t]*" + Value),
        ("http-cookies", @"\n(set-)?cookie:[ \t]*" + Value),
        ("ftp-pass", @"\npass[ \t]+" + Value),

        // RFC 4954: with an initial response, or with the response on the next line; LOGIN asks for two.
        ("smtp-auth", @"\nauth[ \t]+([a-z0-9_\-]+[ \t]+" + Value + @"|[a-z0-9_\-]+[ \t]*\r?\n" + Line
            + @"|login[ \t]*\r?\n" + Line + @"\r?\n" + Line + ")"),
        ("imap-login", @"\n[^ \r\n]+ (login[ \t]+" + Value + @"|authenticate[ \t]+[a-z0-9\-]+([ \t]+" + Value
            + @"|\r?\n" + Line + "))"),

        // Inline, or as bulk strings: one (password) or two (user, password).
        ("redis-auth", @"\nauth([ \t]+" + Value + @"|\r\n\$[0-9]+\r\n" + Line + @"(\r\n\$[0-9]+\r\n" + Line + ")?)"),
    ];

    private static readonly ByteMachine[] s_machines = Array.ConvertAll(s_fields, f =>
        PatternCompiler.Compile(f.Pattern, ignoresCase: true, out var mistake)
            ?? throw new InvalidOperationException(mistake));

    /// <summary>Words of all protocol fields.</summary>
    public static IReadOnlyList<string> FieldWords { get; } = Array.ConvertAll(s_fields, f => f.Word);

    /// <summary>Machines of protocol fields, which run along each stream.</summary>
    public IReadOnlyList<ByteMachine> Fields { get; init; } = [];

    /// <summary>Machines that search each payload for itself.</summary>
    public IReadOnlyList<ByteMachine> Patterns { get; init; } = [];

    /// <summary>Card numbers are looked for.</summary>
    public bool Cards { get; init; }

    /// <summary>Ranges of each payload; a whole payload is one from 0.</summary>
    public IReadOnlyList<(int Offset, int Bytes)> Ranges { get; init; } = [];

    /// <summary>The filler, unless there is a key.</summary>
    public byte Fill { get; init; } = (byte)'X';

    /// <summary>Key of a filler that keeps equal values equal and digits digits; null = the fixed filler.</summary>
    public byte[]? FillKey { get; init; }

    /// <summary>The machine of a protocol field's word, or null.</summary>
    internal static ByteMachine? Field(string word)
    {
        var index = Array.FindIndex(s_fields, f => f.Word == (word == "http-cookie" ? "http-cookies" : word));
        return index < 0 ? null : s_machines[index];
    }
}
