// How segments lie on the disk, and with which keys they are opened again: the options of every verb that writes or reads
// recordings.
using System.CommandLine;
using Tapline.Record.Container;

namespace Tapline.Server.Commands;

/// <summary>`--compress`, `--encrypt` and `--key`.</summary>
internal static class AtRestOptions
{
    public const string CompressForm = "lz4 or none";

    public static readonly Option<string?> Compress = new("--compress")
    {
        Description = "Compress segments: lz4, or none, which any tool opens as it is.", HelpName = "WAY",
    };

    public static readonly Option<string?> Encrypt = new("--encrypt")
    {
        Description = "Encrypt segments and their indexes with the key in this file (`tapline key new`).", HelpName = "KEYFILE",
    };

    public static readonly Option<string[]> Key = new("--key")
    {
        Description = "Key of encrypted segments, where the recording does not say where it is. Repeatable.", HelpName = "KEYFILE",
    };

    static AtRestOptions() => Compress.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<string?>() is { } text && ParseCompress(text) is null)
        {
            result.AddError($"--compress wants {CompressForm}, not `{TerminalText.Printable(text)}`.");
        }
    });

    /// <summary>The way of compressing; null for anything else.</summary>
    public static SegmentCompression? ParseCompress(string text) => text switch
    {
        "lz4" => SegmentCompression.Lz4,
        "none" => SegmentCompression.None,
        _ => null,
    };

    /// <summary>What the options of a recording verb say.</summary>
    public static AtRest Read(ParseResult parsed) => new(
        ParseCompress(parsed.GetValue(Compress) ?? "none") ?? SegmentCompression.None,
        parsed.GetValue(Encrypt) is { } file ? Path.GetFullPath(file) : null);

    /// <summary>Learns the keys that the command line names; false after a sentence was told.</summary>
    public static bool LearnKeys(ParseResult parsed)
    {
        foreach (var file in parsed.GetValue(Key) ?? [])
        {
            if (KeyRing.TryAdd(file, out var error) is null)
            {
                Console.Error.WriteLine($"tapline: {error}");
                return false;
            }
        }

        return true;
    }
}
