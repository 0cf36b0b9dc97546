// One batch in memory, while a worker fills it and while the writer's thread puts it on disk. Native rows: the
// collector neither scans nor moves them. Owned by one thread at a time, handed over through rings of indices.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Store;

/// <summary>The rows of a batch that is not yet a file.</summary>
internal sealed class SpoolBuffer : IDisposable
{
    private readonly NativeArray<FlowRecord> _flows = new(Limits.BatchFlowRowsMax);
    private readonly NativeArray<LedgerRecord> _ledger = new(Limits.BatchLedgerRowsMax);
    private readonly NativeArray<MirrorLedgerRecord> _mirrorLedger = new(Limits.BatchMirrorLedgerRowsMax);
    private readonly byte[] _header = new byte[SpoolLayout.HeaderBytes];
    private int _flowCount;
    private int _ledgerCount;
    private int _mirrorLedgerCount;
    private long _firstNs = long.MaxValue;
    private long _lastNs = long.MinValue;

    /// <summary>Name tables as they were when the batch was handed over.</summary>
    public SpoolNames Names { get; set; } = SpoolNames.Empty;

    /// <summary>The machines that took part; set by the writer's thread before it writes.</summary>
    public SpoolEndpoints? Endpoints { get; set; }

    public int Rows => _flowCount + _ledgerCount + _mirrorLedgerCount;

    public ReadOnlySpan<FlowRecord> Flows => _flows.Span[.._flowCount];

    public ReadOnlySpan<LedgerRecord> Ledger => _ledger.Span[.._ledgerCount];

    public ReadOnlySpan<MirrorLedgerRecord> MirrorLedger => _mirrorLedger.Span[.._mirrorLedgerCount];

    public bool TryAdd(in FlowRecord record)
    {
        if (_flowCount == _flows.Length)
        {
            return false;
        }

        _flows[_flowCount++] = record;
        Cover(record.StartNs, record.EndNs);
        return true;
    }

    public bool TryAdd(in LedgerRecord record)
    {
        if (_ledgerCount == _ledger.Length)
        {
            return false;
        }

        _ledger[_ledgerCount++] = record;
        Cover(record.TimeNs, record.TimeNs);
        return true;
    }

    public bool TryAdd(in MirrorLedgerRecord record)
    {
        if (_mirrorLedgerCount == _mirrorLedger.Length)
        {
            return false;
        }

        _mirrorLedger[_mirrorLedgerCount++] = record;
        Cover(record.TimeNs, record.TimeNs);
        return true;
    }

    public void Clear()
    {
        _flowCount = 0;
        _ledgerCount = 0;
        _mirrorLedgerCount = 0;
        _firstNs = long.MaxValue;
        _lastNs = long.MinValue;
        Names = SpoolNames.Empty;
        Endpoints = null;
    }

    /// <summary>Builds the header over the sections as they are now; valid until the next change.</summary>
    public ReadOnlySpan<byte> BuildHeader(in SpoolIdentity identity)
    {
        var header = _header.AsSpan();
        header.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, SpoolLayout.Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], SpoolLayout.Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], SpoolLayout.HeaderBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(header[14..], identity.Worker);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], identity.Instance);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], identity.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], Rows == 0 ? 0 : _firstNs);
        BinaryPrimitives.WriteInt64LittleEndian(header[40..], Rows == 0 ? 0 : _lastNs);
        BinaryPrimitives.WriteInt64LittleEndian(header[56..], identity.RecordsDropped);
        identity.Node.AsSpan().CopyTo(header.Slice(SpoolLayout.NodeOffset, SpoolLayout.NodeBytes));
        var end = SpoolLayout.HeaderBytes;
        var sections = 0;
        for (ushort kind = SpoolLayout.StringsKind; kind <= SpoolLayout.LastKind; kind++)
        {
            WriteEntry(kind, ref sections, ref end);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(header[12..], (ushort)sections);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], end);
        BinaryPrimitives.WriteUInt32LittleEndian(header[SpoolLayout.CrcOffset..], Crc32C.Compute(header));
        return header;
    }

    /// <summary>The bytes of a section, and the size of its rows.</summary>
    public ReadOnlySpan<byte> Section(ushort kind, out int rowBytes)
    {
        var bytes = kind switch
        {
            SpoolLayout.StringsKind => Endpoints is null ? Names.Strings : Endpoints.Strings,
            SpoolLayout.PointsKind => Names.Points,
            SpoolLayout.SessionsKind => Names.Sessions,
            SpoolLayout.FlowsKind => Blittable.AsBytes(Flows),
            SpoolLayout.LedgerKind => Blittable.AsBytes(Ledger),
            SpoolLayout.MirrorLedgerKind => Blittable.AsBytes(MirrorLedger),
            _ => Endpoints is null ? [] : Endpoints.Rows,
        };
        rowBytes = kind switch
        {
            SpoolLayout.StringsKind => 1,
            SpoolLayout.PointsKind => SpoolLayout.PointRowBytes,
            SpoolLayout.SessionsKind => SpoolLayout.SessionRowBytes,
            SpoolLayout.FlowsKind => Flows.Length == 0 ? 1 : bytes.Length / Flows.Length,
            SpoolLayout.LedgerKind => Ledger.Length == 0 ? 1 : bytes.Length / Ledger.Length,
            SpoolLayout.EndpointsKind => SpoolLayout.EndpointRowBytes,
            _ => MirrorLedger.Length == 0 ? 1 : bytes.Length / MirrorLedger.Length,
        };
        return bytes;
    }

    public void Dispose()
    {
        _flows.Dispose();
        _ledger.Dispose();
        _mirrorLedger.Dispose();
    }

    private void WriteEntry(ushort kind, ref int sections, ref int end)
    {
        var bytes = Section(kind, out var rowBytes);
        if (bytes.Length == 0)
        {
            return;
        }

        var offset = SpoolLayout.Align(end);
        var entry = _header.AsSpan(SpoolLayout.SectionTableOffset + (sections * SpoolLayout.SectionEntryBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(entry, kind);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)rowBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], (uint)(bytes.Length / rowBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], Crc32C.Compute(bytes));
        BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)offset);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], (uint)bytes.Length);
        end = offset + bytes.Length;
        sections++;
    }

    private void Cover(long firstNs, long lastNs)
    {
        _firstNs = Math.Min(_firstNs, firstNs);
        _lastNs = Math.Max(_lastNs, lastNs);
    }
}
