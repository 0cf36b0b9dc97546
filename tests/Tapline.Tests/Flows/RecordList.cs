// Keeps what a flow table hands out.
using Tapline.Store;

namespace Tapline.Tests.Flows;

/// <summary>A sink that remembers.</summary>
internal sealed class RecordList : IRecordSink
{
    public List<FlowRecord> Records { get; } = [];

    public void Write(in FlowRecord record) => Records.Add(record);
}
