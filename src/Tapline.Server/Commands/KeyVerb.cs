// `tapline key`: makes the keys of encrypted recordings, and names them. A key is a file; it is never printed, and never
// overwritten.
using System.CommandLine;
using Tapline.Record.Container;

namespace Tapline.Server.Commands;

/// <summary>The verb `key`.</summary>
internal static class KeyVerb
{
    public static Command Build()
    {
        var command = new Command("key", "Keys of encrypted recordings.")
        {
            Build("new", "Makes a key in a new file that only its owner may read, and prints its id.", SegmentKey.Create),
            Build("id", "Prints the id of a key, as it stands in what the key has encrypted.", SegmentKey.TryRead),
        };
        command.Examples(
            ("tapline key new /etc/tapline/recording.key", "A key for `tapline record --encrypt /etc/tapline/recording.key`; keep a copy."),
            ("tapline key id /etc/tapline/recording.key", "Which key it is."));
        return command;
    }

    private delegate SegmentKey? KeySource(string path, out string? error);

    private static Command Build(string name, string description, KeySource source)
    {
        var file = new Argument<string>("FILE") { Description = "The key's file." };
        var command = new Command(name, description) { file };
        command.SetAction(parsed =>
        {
            if (source(parsed.GetValue(file)!, out var error) is not { } key)
            {
                Console.Error.WriteLine($"tapline: {error}");
                return ExitCodes.Failed;
            }

            Console.WriteLine(key.Id);
            return ExitCodes.Ok;
        });
        return command;
    }
}
