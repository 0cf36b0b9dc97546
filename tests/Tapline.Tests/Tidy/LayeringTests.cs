// The house's table: which folder may use which. Read from the code's own names, so an arrow that points back up fails.
using System.Text.RegularExpressions;
using Xunit;

namespace Tapline.Tests.Tidy;

public partial class LayeringTests
{
    private static readonly Dictionary<string, string[]> s_mayUse = new()
    {
        ["Base"] = [],
        ["Capture"] = ["Base"],
        ["Decode"] = ["Base"],
        ["Filter"] = ["Base", "Decode"],
        ["Flows"] = ["Base", "Decode", "Filter", "Store"],
        ["Mirror"] = ["Base", "Decode", "Filter"],
        ["Record"] = ["Base", "Decode", "Filter", "Store"],
        ["Store"] = ["Base"],
        ["Workers"] = ["Base", "Capture", "Decode", "Filter", "Flows", "Mirror", "Record", "Store"],
    };

    [Fact]
    public void EachFolderUsesOnlyWhatItsRowAllows()
    {
        var mistakes = new List<string>();
        foreach (var file in SourceTree.CSharp)
        {
            if (file.ProductFolder is not { } folder)
            {
                continue;
            }

            Assert.True(s_mayUse.ContainsKey(folder), $"{file.Path}: the house has no folder {folder}");
            for (var i = 0; i < file.Lines.Length; i++)
            {
                foreach (Match match in FolderName().Matches(WithoutComment(file.Lines[i])))
                {
                    var used = match.Groups[1].Value;
                    if (used != folder && s_mayUse.ContainsKey(used) && !s_mayUse[folder].Contains(used))
                    {
                        mistakes.Add($"{file.Path}:{i + 1}: {folder} may not use {used}");
                    }
                }
            }
        }

        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void TheLibraryReferencesNoPackageAndNoWebFramework()
    {
        var references = typeof(Tapline.Base.FrameMeta).Assembly.GetReferencedAssemblies();
        Assert.NotEmpty(references);
        Assert.DoesNotContain(references, r => !r.Name!.StartsWith("System", StringComparison.Ordinal)
            && r.Name is not "netstandard" and not "Microsoft.Win32.Primitives");
        Assert.DoesNotContain(references, r => r.Name!.Contains("Http", StringComparison.Ordinal));
    }

    private static string WithoutComment(string line)
    {
        var comment = line.IndexOf("//", StringComparison.Ordinal);
        return comment < 0 ? line : line[..comment];
    }

    [GeneratedRegex(@"\bTapline\.([A-Z]\w+)")]
    private static partial Regex FolderName();
}
