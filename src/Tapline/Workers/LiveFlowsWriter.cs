// The busiest live flows of all workers, merged, with their rate since the last answer. A flow seen for the first time
// gets the mean of its life. Bounded arrays, no allocation.
using System.Text.Json;
using Tapline.Base;
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Collects and writes the answer to the verb `flows`. Control thread only.</summary>
internal sealed class LiveFlowsWriter
{
    private const int CapacityMax = ControlRequest.TopMax * Limits.WorkersMax;
    private const int BitsPerByte = 8;
    private readonly LiveFlowNames _names = new();
    private readonly FlowJsonWriter _json;
    private FlowRecord[] _records = new FlowRecord[ControlRequest.TopMax];
    private double[] _keys = new double[ControlRequest.TopMax];
    private int[] _order = new int[ControlRequest.TopMax];
    private readonly (ulong FlowId, long Bytes)[] _last = new (ulong, long)[ControlRequest.TopMax];
    private int _lastCount;
    private long _lastNs;
    private int _count;

    public LiveFlowsWriter() => _json = new FlowJsonWriter(_names);

    public void Begin() => _count = 0;

    /// <summary>Takes one worker's records.</summary>
    public void Add(ReadOnlySpan<FlowRecord> records)
    {
        Invariant.Check(_count + records.Length <= CapacityMax);
        if (_count + records.Length > _records.Length)
        {
            var size = Math.Max(_records.Length * 2, _count + records.Length);
            Array.Resize(ref _records, size);
            _keys = new double[size];
            _order = new int[size];
        }

        records.CopyTo(_records.AsSpan(_count));
        _count += records.Length;
    }

    /// <summary>Writes the busiest <paramref name="top"/> of what was added.</summary>
    public void Write(Utf8JsonWriter json, int top, IReadOnlyList<LivePoint> points, VmDirectory directory)
    {
        var nowNs = Clock.NowNs();
        _names.Follow(points, directory);
        for (var i = 0; i < _count; i++)
        {
            _order[i] = i;
            _keys[i] = -Rate(_records[i], nowNs);
        }

        Array.Sort(_keys, _order, 0, _count);
        json.WriteStartArray("flows"u8);
        var shown = Math.Min(top, _count);
        for (var i = 0; i < shown; i++)
        {
            json.WriteStartObject();
            _json.WriteFields(json, _records[_order[i]]);
            json.WriteNumber("bits_per_second"u8, (long)-_keys[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Remember(shown, nowNs);
    }

    private double Rate(in FlowRecord record, long nowNs)
    {
        var bytes = record.Initiator.Bytes + record.Responder.Bytes;
        for (var i = 0; i < _lastCount; i++)
        {
            if (_last[i].FlowId == record.FlowId && nowNs > _lastNs)
            {
                return (bytes - _last[i].Bytes) * BitsPerByte * (double)Clock.SecondNs / (nowNs - _lastNs);
            }
        }

        var lifeNs = Math.Max(nowNs - record.StartNs, Clock.SecondNs);
        return bytes * BitsPerByte * (double)Clock.SecondNs / lifeNs;
    }

    private void Remember(int shown, long nowNs)
    {
        _lastNs = nowNs;
        _lastCount = shown;
        for (var i = 0; i < shown; i++)
        {
            ref readonly var record = ref _records[_order[i]];
            _last[i] = (record.FlowId, record.Initiator.Bytes + record.Responder.Bytes);
        }
    }
}
