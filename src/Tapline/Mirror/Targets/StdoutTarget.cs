// stdout: a pcapng stream on standard output, for `tapline mirror … --to stdout | tshark -r -`.
namespace Tapline.Mirror.Targets;

/// <summary>Standard output.</summary>
public sealed record StdoutTarget : StreamTarget
{
    private const string Word = "stdout";

    /// <inheritdoc/>
    protected override string Text => WithOptions(Word);

    /// <summary>Null and one sentence when something else follows the word.</summary>
    internal static MirrorTarget? Parse(TargetText text, out string? error)
    {
        error = text.Place.Length == 0 ? null : $"\"{Word}{text.Place}\" is not a target; write {Word}.";
        return error is null ? new StdoutTarget { AsCaptured = ReadAsCaptured(text) } : null;
    }
}
