// A key of another node.
using Tapline.Record.Evidence;
using Tapline.Tests.Support;

namespace Tapline.Tests.Record.Evidence;

/// <summary>A fresh key whose public half lies at <see cref="Path"/>.</summary>
internal sealed class SealedRecordingKey : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SealedRecordingKey() => Key = NodeKey.TryOpenOrMake(_folder["node.key"], out _)!;

    public NodeKey Key { get; }

    public string Path => _folder["node.pub"];

    public void Dispose()
    {
        Key.Dispose();
        _folder.Dispose();
    }
}
