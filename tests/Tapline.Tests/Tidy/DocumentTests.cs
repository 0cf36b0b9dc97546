// Documents outlive the code that they name. Each path in backticks must exist, and no document may carry an address
// of this or that machine.
using System.Text.RegularExpressions;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Tidy;

public partial class DocumentTests
{
    [Fact]
    public void PathsNamedInDocumentsExist()
    {
        var mistakes = new List<string>();
        foreach (var file in SourceTree.Markdown)
        {
            var folder = System.IO.Path.GetDirectoryName(System.IO.Path.Combine(RepositoryRoot.Path, file.Path))!;
            for (var i = 0; i < file.Lines.Length; i++)
            {
                foreach (Match match in RepositoryPath().Matches(file.Lines[i]))
                {
                    if (!Exists(RepositoryRoot.Path, match.Groups[1].Value))
                    {
                        mistakes.Add($"{file.Path}:{i + 1}: {match.Groups[1].Value} does not exist");
                    }
                }

                foreach (Match match in RelativeLink().Matches(file.Lines[i]))
                {
                    if (!Exists(folder, match.Groups[1].Value))
                    {
                        mistakes.Add($"{file.Path}:{i + 1}: link to {match.Groups[1].Value} leads nowhere");
                    }
                }
            }
        }

        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void TheReadersFirstDocumentsAreThere()
    {
        string[] expected =
        [
            "README.md", "ARCHITECTURE.md", "HACKING.md", "CHANGELOG.md", "docs/limits.md", "docs/operator/01-first-run.md",
        ];
        Assert.All(expected, d => Assert.True(File.Exists(System.IO.Path.Combine(RepositoryRoot.Path, d)), d));
    }

    private static bool Exists(string folder, string path)
    {
        var whole = System.IO.Path.Combine(folder, path.TrimEnd('/'));
        return File.Exists(whole) || Directory.Exists(whole);
    }

    [GeneratedRegex(@"`((?:src|tests|docs|bench|scripts|demo)/[\w./-]+)`")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"\]\((?!https?:|#|mailto:)([^)#\s]+)")]
    private static partial Regex RelativeLink();
}
