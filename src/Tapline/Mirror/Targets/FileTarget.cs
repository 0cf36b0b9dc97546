// file:PATH[?rotate=100MB,10m,1000000f&files=N&overwrite&frames=captured]: pcapng on disk, one file or a row of them. A
// path that is a named pipe is a pipe. Nothing but the operator's own text is ever part of a path.
using System.Text;

namespace Tapline.Mirror.Targets;

/// <summary>A pcapng file, or several one after the other.</summary>
/// <param name="Path">The file; with rotation its name is the beginning of each file's name.</param>
public sealed record FileTarget(string Path) : StreamTarget
{
    private const string Prefix = "file:";
    private const int FilesMax = 100_000;

    /// <summary>Room that rotation leaves for number, time and directory: PATH_MAX and NAME_MAX of linux/limits.h.</summary>
    private const int PathBytesMax = 4000;
    private const int NameBytesMax = 220;

    /// <summary>When the next file begins; never, unless asked for.</summary>
    public RotationRule Rotation { get; init; }

    /// <summary>Files of this session that are kept, the oldest go; 0 = all.</summary>
    public int Files { get; init; }

    /// <summary>A file that is there already is emptied.</summary>
    public bool Overwrites { get; init; }

    /// <inheritdoc/>
    protected override string Text => WithOptions(
        Prefix + Path,
        Rotation.IsNever ? null : $"rotate={Rotation}",
        Files == 0 ? null : $"files={Files}",
        Overwrites ? "overwrite" : null);

    /// <summary>Null and one sentence when the text names no file or wants something impossible.</summary>
    internal static MirrorTarget? Parse(TargetText text, out string? error)
    {
        error = PathMistake(text.Place);
        if (error is not null)
        {
            return null;
        }

        var rotation = default(RotationRule);
        if (text.Any("rotate") is { } rule && !RotationRule.TryParse(rule, out rotation))
        {
            text.Refuse($"rotate={rule} is not possible for a file target; give sizes, times or frames such as 100MB, 10m or 1000000f.");
        }

        var files = (int)text.Number("files", 0, 1, FilesMax);
        if (files > 0 && rotation.IsNever)
        {
            text.Refuse($"files={files} needs rotate, which says when the next file begins.");
        }

        var overwrite = text.Any("overwrite");
        if (overwrite is not (null or ""))
        {
            text.Refuse("overwrite takes no value.");
        }

        return new FileTarget(text.Place)
        {
            Rotation = rotation, Files = files, Overwrites = overwrite is not null, AsCaptured = ReadAsCaptured(text),
        };
    }

    private static string? PathMistake(string path)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        return path.Contains('\0') || name is "" or "." or ".."
            ? $"\"{path}\" names no file; write file:PATH, for example file:/var/tmp/web.pcapng."
            : Encoding.UTF8.GetByteCount(path) > PathBytesMax || Encoding.UTF8.GetByteCount(name) > NameBytesMax
                ? $"The path of the file is too long; its name may have {NameBytesMax} bytes."
                : null;
    }
}
