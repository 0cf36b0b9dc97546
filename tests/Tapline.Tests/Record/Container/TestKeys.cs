// Keys for tests: each test has its own, so that a ring that is shared by all proves nothing by accident.
using Tapline.Record.Container;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Container;

/// <summary>A folder with one key that the process knows.</summary>
internal sealed class TestKeys : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TestKeys()
    {
        Path = _folder["key"];
        Assert.NotNull(SegmentKey.Create(Path, out var error));
        Assert.Null(error);
        Known = KeyRing.TryAdd(Path, out error)!;
        Assert.Null(error);
    }

    public string Path { get; }

    public SegmentKey Known { get; }

    /// <summary>A key that the ring does not know.</summary>
    public SegmentKey Unknown(string name = "other") => SegmentKey.Create(_folder[name], out _)!;

    public void Dispose() => _folder.Dispose();
}
