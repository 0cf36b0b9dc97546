// The developer corpus beside the repository: captures and what tshark says of them. Tests that use it skip where it
// is not.
using Xunit;

namespace Tapline.Tests.Support;

/// <summary>Finds the corpus and reads its truth tables.</summary>
public static class Corpus
{
    /// <summary>The corpus folder; skips the calling test where there is none.</summary>
    public static string Root()
    {
        var root = Path.GetFullPath(Path.Combine(RepositoryRoot.Shared ?? "shared", "corpus"));
        if (!Directory.Exists(root))
        {
            Assert.Skip("the developer corpus (../shared/corpus, or TAPLINE_SHARED) is not on this machine");
        }

        return root;
    }

    /// <summary>The rows of a truth table, as column name → value.</summary>
    public static IEnumerable<Dictionary<string, string>> Truth(string table)
    {
        string[]? names = null;
        foreach (var line in File.ReadLines(Path.Combine(Root(), "truth", table)))
        {
            var cells = line.Split('\t');
            if (names is null)
            {
                names = cells;
                continue;
            }

            yield return names.Zip(cells).ToDictionary(pair => pair.First, pair => pair.Second);
        }
    }
}
