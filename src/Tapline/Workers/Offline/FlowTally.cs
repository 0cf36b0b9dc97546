// The offline flow table's sink: counts each finished flow by application and address, and keeps its record when the
// records are what is wanted. One per worker; added up at the end.
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Totals of finished flows. One thread until merged.</summary>
public sealed class FlowTally(bool keepRecords) : IRecordSink, IDisposable
{
    private readonly long[] _apps = new long[ushort.MaxValue + 1];

    /// <summary>Flow records received.</summary>
    public long Flows { get; private set; }

    /// <summary>Flows by application number; 0 = unknown.</summary>
    public ReadOnlySpan<long> Apps => _apps;

    public TalkerTable Talkers { get; } = new();

    /// <summary>The records, when they are kept.</summary>
    public RecordList? Records { get; } = keepRecords ? new RecordList() : null;

    public long TcpFlows { get; private set; }

    public long Retransmissions { get; private set; }

    public void Write(in FlowRecord record)
    {
        Flows++;
        _apps[record.AppId]++;
        if (record.Protocol == FlowProtocol.Tcp)
        {
            TcpFlows++;
            Retransmissions += record.Initiator.Retransmissions + record.Responder.Retransmissions;
        }

        if (!record.InitiatorIp.IsNone)
        {
            var frames = record.Initiator.Frames + record.Responder.Frames;
            Talkers.Add(record.InitiatorIp, frames, record.Initiator.Bytes, record.Responder.Bytes, 1);
            Talkers.Add(record.ResponderIp, frames, record.Responder.Bytes, record.Initiator.Bytes, 1);
        }

        Records?.Add(record);
    }

    internal void Add(FlowTally other)
    {
        Flows += other.Flows;
        TcpFlows += other.TcpFlows;
        Retransmissions += other.Retransmissions;
        for (var app = 0; app < _apps.Length; app++)
        {
            _apps[app] += other._apps[app];
        }

        Talkers.Add(other.Talkers);
        if (other.Records is { } records)
        {
            Records?.Add(records);
        }
    }

    public void Dispose() => Records?.Dispose();
}
