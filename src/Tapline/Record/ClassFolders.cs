// The folders of a recording: its own, and one inside it for each class. Which of the folders inside are classes' is told by their
// names alone, so that whoever reads a recording needs no configuration.
using Tapline.Base;

namespace Tapline.Record;

/// <summary>Finds the folders of a recording. Any thread; reads the disk.</summary>
public static class ClassFolders
{
    /// <summary>True for a name that a class can have: it becomes a folder's, so it can't be just any text.</summary>
    public static bool IsClassName(string name) => name is { Length: > 0 and <= Limits.RecordClassNameCharactersMax }
        && name is not ("default" or "imported") // the recording itself, and what is no class
        && !name.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-_") && name[0] != '-';

    /// <summary>What is wrong with a name, or null. <paramref name="whose"/> is whose name it is.</summary>
    public static string? MistakeInName(string name, string whose) => IsClassName(name) ? null
        : $"{whose} name has 1 to {Limits.RecordClassNameCharactersMax} small letters, digits, - and _, and is not \"default\" "
            + "or \"imported\".";

    /// <summary>Names of the classes that have folders in a recording, sorted; of today's configuration or not.</summary>
    public static IEnumerable<string> ClassesOf(string recording) =>
        new DirectoryInfo(recording).EnumerateDirectories().Select(d => d.Name).Where(IsClassName).Order(StringComparer.Ordinal);

    /// <summary>True when there is a segment in the folder, finished or not.</summary>
    public static bool HasSegments(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles().Any(f => SegmentName.TryParse(f.Name, out _, out _));
}
