// The live flow tables' sink: into the worker's spool, or nowhere when the engine has no data folder.
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Hands finished flows to a spool writer; a struct, so that the call is direct.</summary>
public readonly struct SpoolSink(SpoolWriter? spool) : IRecordSink
{
    public void Write(in FlowRecord record) => spool?.Write(record);
}
