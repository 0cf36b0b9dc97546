// A folder for one test, gone with it.
namespace Tapline.Tests.Support;

/// <summary>A fresh empty folder on the disk that the system uses for temporary files.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("tapline-test-").FullName;

    /// <summary>The full path of <paramref name="name"/> in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Names of all files, hidden ones included, sorted.</summary>
    public string[] Names =>
        [.. Directory.EnumerateFiles(Path).Select(f => System.IO.Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
