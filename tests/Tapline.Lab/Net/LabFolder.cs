// A folder of the test's own under the temporary one. Owner: the test; Dispose removes it with all that is in it.
namespace Tapline.Lab.Net;

/// <summary>A scratch folder.</summary>
public sealed class LabFolder : IDisposable
{
    /// <summary>The whole path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
