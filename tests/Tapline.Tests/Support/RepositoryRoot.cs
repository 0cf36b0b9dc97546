// Finds the checkout that the tests were built from, and the folder of real captures beside it.
using System.Runtime.CompilerServices;

namespace Tapline.Tests.Support;

/// <summary>Places on disk that tests read.</summary>
internal static class RepositoryRoot
{
    /// <summary>The checkout's root: the folder that holds Tapline.slnx.</summary>
    public static string Path { get; } = Find();

    /// <summary>The folder with shared captures (`TAPLINE_SHARED`, else beside the checkout), or null where absent.</summary>
    public static string? Shared
    {
        get
        {
            var named = Environment.GetEnvironmentVariable("TAPLINE_SHARED");
            var folder = named ?? System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, "..", "shared"));
            return Directory.Exists(folder) ? folder : null;
        }
    }

    private static string Find([CallerFilePath] string thisFile = "")
    {
        foreach (var start in new[] { AppContext.BaseDirectory, System.IO.Path.GetDirectoryName(thisFile)! })
        {
            for (var folder = new DirectoryInfo(start); folder != null; folder = folder.Parent)
            {
                if (File.Exists(System.IO.Path.Combine(folder.FullName, "Tapline.slnx")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new DirectoryNotFoundException("Tapline.slnx was not found above the test's folder.");
    }
}
