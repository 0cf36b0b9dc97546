// What a machine can judge of style: where unsafe code may stand, file sizes, words that must not stay behind.
using System.Text.RegularExpressions;
using Xunit;

namespace Tapline.Tests.Tidy;

public partial class StyleTests
{
    private const int FileLinesMax = 500;
    private const int LineCharactersMax = 140;

    private static readonly string[] s_unsafeFolders =
    [
        "src/Tapline/Base/Native/", "src/Tapline/Base/Kernel/", "src/Tapline/Capture/", "src/Tapline/Mirror/Send/",
        "src/Tapline/Record/Io/",
    ];

    [Fact]
    public void UnsafeCodeStandsOnlyWhereMemoryIsOwned()
    {
        var mistakes = Find(f => f.Path.StartsWith("src/", StringComparison.Ordinal)
            && !s_unsafeFolders.Any(u => f.Path.StartsWith(u, StringComparison.Ordinal)), UnsafeCode());
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void PureFoldersHaveNoClockFileSocketOrThread()
    {
        string[] pure = ["src/Tapline/Decode/", "src/Tapline/Filter/", "src/Tapline/Flows/", "src/Tapline/Mirror/"];
        var mistakes = Find(f => pure.Any(p => f.Path.StartsWith(p, StringComparison.Ordinal))
            && !f.Path.StartsWith("src/Tapline/Mirror/Send/", StringComparison.Ordinal), Impure());
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void NothingIsLeftToDoInTheCode()
    {
        var mistakes = Find(f => !f.Path.StartsWith("tests/Tapline.Tests/Tidy/", StringComparison.Ordinal), LeftOver());
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void FilesHoldOneIdeaAndLinesFitAScreen()
    {
        var mistakes = new List<string>();
        foreach (var file in SourceTree.CSharp)
        {
            if (file.Lines.Length > FileLinesMax)
            {
                mistakes.Add($"{file.Path}: {file.Lines.Length} lines ask for a second noun");
            }

            for (var i = 0; i < file.Lines.Length; i++)
            {
                if (file.Lines[i].Length > LineCharactersMax)
                {
                    mistakes.Add($"{file.Path}:{i + 1}: {file.Lines[i].Length} characters");
                }
            }
        }

        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    [Fact]
    public void EachProductFileOpensByTellingWhatItIsFor()
    {
        var mistakes = SourceTree.CSharp
            .Where(f => f.Path.StartsWith("src/", StringComparison.Ordinal))
            .Where(f => !f.Lines[0].StartsWith("//", StringComparison.Ordinal))
            .Select(f => f.Path)
            .ToList();
        Assert.True(mistakes.Count == 0, "no head comment: " + string.Join('\n', mistakes));
    }

    private static List<string> Find(Func<SourceFile, bool> applies, Regex pattern)
    {
        var found = new List<string>();
        foreach (var file in SourceTree.CSharp.Where(applies))
        {
            for (var i = 0; i < file.Lines.Length; i++)
            {
                var line = file.Lines[i].TrimStart();
                if (!line.StartsWith("///", StringComparison.Ordinal) && pattern.IsMatch(line))
                {
                    found.Add($"{file.Path}:{i + 1}: {line}");
                }
            }
        }

        return found;
    }

    [GeneratedRegex(@"^(?!//).*(\bunsafe\b|\bMemoryMarshal\b|\bUnsafe\.|\bLibraryImport\b|\bDllImport\b|\bstackalloc\s+\w+\s*\*)")]
    private static partial Regex UnsafeCode();

    [GeneratedRegex(@"^(?!//).*(\bDateTime\.|\bDateTimeOffset\.|\bStopwatch\b|\bEnvironment\.Tick|\bFile\.|\bFileStream\b|"
        + @"\bSocket\b|\bThread\b|\bTask\b|using System\.Linq|using System\.IO|using System\.Net\.Sockets)")]
    private static partial Regex Impure();

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedException")]
    private static partial Regex LeftOver();
}
