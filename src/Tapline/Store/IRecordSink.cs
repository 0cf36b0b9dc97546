// Where finished records go: the spool live, an output list offline. A struct or sealed class behind a generic
// parameter, so the call inlines; records are passed by reference and copied by the receiver.
namespace Tapline.Store;

/// <summary>Receives finished flow records. Called on the worker's thread; must not allocate or block.</summary>
public interface IRecordSink
{
    /// <summary>Takes a copy of <paramref name="record"/>.</summary>
    void Write(in FlowRecord record);
}
