// The secret that opens the console: 256 random bits in DATA/console.token, readable by its owner only, made at the first
// start. The browser never keeps the secret itself: its cookie is an HMAC of it, so a stolen cookie store does not give
// away what the API accepts as bearer. All comparisons take the same time whatever the guess.
using System.Security.Cryptography;
using System.Text;

namespace Tapline.Server.Auth;

/// <summary>One console's token. Immutable; any thread.</summary>
internal sealed class ConsoleToken
{
    private const int SecretBytes = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly byte[] _tokenHash;
    private readonly byte[] _cookieHash;

    private ConsoleToken(string text, bool isNew)
    {
        Text = text;
        IsNew = isNew;
        Cookie = Convert.ToHexStringLower(
            HMACSHA256.HashData(Encoding.UTF8.GetBytes(text), "tapline console cookie 1"u8));
        _tokenHash = Hash(Text);
        _cookieHash = Hash(Cookie);
    }

    /// <summary>The secret as text, safe in a URL.</summary>
    public string Text { get; }

    /// <summary>True when this start made it: the only time when it is printed.</summary>
    public bool IsNew { get; }

    /// <summary>What a signed-in browser sends back.</summary>
    public string Cookie { get; }

    /// <summary>Reads the token, or makes it; tightens the file's mode where others could read it.</summary>
    public static ConsoleToken LoadOrCreate(string path)
    {
        if (File.Exists(path))
        {
            var kept = File.ReadAllText(path).Trim();
            if (kept.Length < SecretBytes)
            {
                throw new InvalidDataException($"{path} holds no usable token; delete it and start again for a new one.");
            }

            if ((File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            {
                File.SetUnixFileMode(path, OwnerOnly);
            }

            return new ConsoleToken(kept, isNew: false);
        }

        var text = Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBytes))
            .Replace('+', '-').Replace('/', '_').TrimEnd('=');
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        });
        file.Write(Encoding.ASCII.GetBytes(text + "\n"));
        return new ConsoleToken(text, isNew: true);
    }

    public bool IsToken(string? guess) => Matches(guess, _tokenHash);

    public bool IsCookie(string? guess) => Matches(guess, _cookieHash);

    // Hashing first makes both sides equally long, so not even the length can be felt out.
    private static bool Matches(string? guess, byte[] hash) =>
        guess is { Length: > 0 and <= 512 } && CryptographicOperations.FixedTimeEquals(Hash(guess), hash);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
