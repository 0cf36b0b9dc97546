// Reads the tree once for the tidy tests: each source file with its path and text.
using Tapline.Tests.Support;

namespace Tapline.Tests.Tidy;

/// <summary>One source file of the checkout.</summary>
/// <param name="Path">Relative to the root, with forward slashes.</param>
/// <param name="Lines">The text by lines.</param>
internal sealed record SourceFile(string Path, string[] Lines)
{
    /// <summary>The folder of src/Tapline that the file stands in, or null.</summary>
    public string? ProductFolder
    {
        get
        {
            var parts = Path.Split('/');
            return parts is ["src", "Tapline", var folder, _, ..] ? folder : null;
        }
    }
}

/// <summary>The files that the tidy rules judge; build output and other people's packages are left out.</summary>
internal static class SourceTree
{
    public static IReadOnlyList<SourceFile> CSharp { get; } = Read("*.cs");

    public static IReadOnlyList<SourceFile> Markdown { get; } = Read("*.md");

    public static IReadOnlyList<SourceFile> Razor { get; } = Read("*.razor");

    private static List<SourceFile> Read(string pattern)
    {
        var root = RepositoryRoot.Path;
        var files = new List<SourceFile>();
        foreach (var file in Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories).Order())
        {
            var relative = System.IO.Path.GetRelativePath(root, file).Replace('\\', '/');
            var top = relative.Split('/')[0];
            if (top is "artifacts" or ".git" || relative.Contains("/obj/") || relative.Contains("/node_modules/"))
            {
                continue;
            }

            files.Add(new SourceFile(relative, File.ReadAllLines(file)));
        }

        return files;
    }
}
