// Answers of the control socket: the whole engine as one JSON object (docs/formats/engine-socket.md). Names are encoded
// once when the points change; a snapshot in the steady state allocates nothing.
using System.Diagnostics;
using System.Text.Json;
using Tapline.Base;
using Tapline.Mirror.Targets;
using Tapline.Store;
using Tapline.Workers.Past;

namespace Tapline.Workers;

/// <summary>Writes snapshots and busiest flows. Control thread only.</summary>
internal sealed class SnapshotWriter : IControlAnswers
{
    private const int AnswerWaitMs = 250;
    private readonly EngineParts _parts;
    private readonly Supervisor _supervisor;
    private readonly Action _requestStop;
    private readonly LedgerView _view;
    private readonly PointTexts _texts = new();
    private readonly LiveFlowsWriter _flows;
    private readonly byte[] _time = new byte[TimeText.Length];
    private readonly JsonEncodedText _node;
    private readonly JsonEncodedText _version;
    private readonly RecordingSnapshot? _recording;
    private readonly long _started = Stopwatch.GetTimestamp();

    public SnapshotWriter(EngineParts parts, Supervisor supervisor, Action requestStop)
    {
        _parts = parts;
        _supervisor = supervisor;
        _requestStop = requestStop;
        _view = parts.NewView();
        _flows = new LiveFlowsWriter();
        _node = JsonEncodedText.Encode(parts.Options.Node);
        _version = JsonEncodedText.Encode(typeof(SnapshotWriter).Assembly.GetName().Version?.ToString(3) ?? "0");
        _recording = parts.RecordFolders.Count == 0 ? null : new RecordingSnapshot(parts);
    }

    public void RequestStop() => _requestStop();

    public void WriteSnapshot(Utf8JsonWriter json)
    {
        _view.Read();
        _texts.Follow(_view);
        WriteTime(json, "time"u8, Clock.NowNs());
        json.WriteString("node"u8, _node);
        json.WriteString("version"u8, _version);
        json.WriteNumber("uptime_ns"u8, (long)(Stopwatch.GetElapsedTime(_started).Ticks * 100L));
        json.WriteNumber("pid"u8, Environment.ProcessId);
        WritePoints(json);
        WriteMirrors(json);
        _recording?.Write(json);
        WriteFlowTotals(json);
        WriteVerdicts(json);
        WriteWorkers(json);
        json.WriteNumber("allocated_bytes"u8, _supervisor.AllocatedBytes);
        json.WriteNumber("gc_collections"u8, GC.CollectionCount(0));
    }

    public void WriteFlows(Utf8JsonWriter json, int top)
    {
        foreach (var worker in _parts.Workers)
        {
            worker.Busiest.Ask(top);
        }

        _flows.Begin();
        foreach (var worker in _parts.Workers)
        {
            var until = Clock.MonotonicNs() + (AnswerWaitMs * 1_000_000L);
            ReadOnlySpan<FlowRecord> records;
            while (!worker.Busiest.TryTake(out records) && Clock.MonotonicNs() < until)
            {
                Thread.Sleep(1);
            }

            _flows.Add(records);
        }

        _texts.Follow(_view);
        _flows.Write(json, top, _view.Points, _parts.Capture.Directory);
    }

    public void WarmUp(Utf8JsonWriter json)
    {
        var record = new FlowRecord { Protocol = FlowProtocol.Tcp, InitiatorIp = IpAddress16.FromIpv4(1), InitiatorMac = 1 };
        _flows.Begin();
        _flows.Add(new ReadOnlySpan<FlowRecord>(in record));
        _flows.Add(new ReadOnlySpan<FlowRecord>(in record));
        json.Reset();
        json.WriteStartObject();
        _flows.Write(json, 1, _view.Points, _parts.Capture.Directory);
        json.WriteEndObject();
    }

    private void WritePoints(Utf8JsonWriter json)
    {
        json.WriteStartArray("points"u8);
        for (var i = 0; i < _view.Points.Count; i++)
        {
            var id = _view.Points[i].Point.Id;
            ref readonly var counts = ref _view.Counts(id);
            var dropped = _parts.Losses.Dropped(id);
            json.WriteStartObject();
            _texts.Write(json, i);
            json.WriteNumber("arrived"u8, counts.Captured + dropped);
            json.WriteNumber("dropped_ring"u8, dropped);
            json.WriteNumber("captured"u8, counts.Captured);
            json.WriteNumber("captured_bytes"u8, counts.CapturedBytes);
            json.WriteNumber("segments"u8, counts.Segments);
            json.WriteNumber("analysed"u8, counts.Analysed);
            json.WriteNumber("undecodable"u8, counts.Undecodable);
            json.WriteNumber("recorded"u8, counts.Recorded);
            json.WriteNumber("dropped_recorder"u8, counts.DroppedRecorder);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public string? AddMirror(MirrorPlan plan) => _parts.Mirrors.Add(plan);

    public string? RemoveMirror(string session) => _parts.Mirrors.Remove(session);

    public void WriteMirrors(Utf8JsonWriter json)
    {
        var running = _parts.Mirrors.Book.Current.Running;
        json.WriteStartArray("mirrors"u8);
        for (var s = 0; s < running.Count; s++)
        {
            json.WriteStartObject();
            running[s].Texts.Write(json);
            json.WriteString("mode"u8, running[s].Path.IsKernel ? "kernel"u8 : "user"u8);
            json.WriteString("state"u8, running[s].IsUp ? "up"u8 : "down"u8);
            WriteStream(json, running[s]);
            MirrorTexts.WriteCounts(json, running[s].Totals());
            running[s].Members.Write(json);
            if (running[s].Past is { } past)
            {
                json.WriteStartObject("past"u8);
                PastReport.Of(past, running[s].Plan).Write(json);
                json.WriteEndObject();
            }

            if (running[s].Canary is { } canary)
            {
                json.WriteStartObject("canary"u8);
                canary.Write(json);
                json.WriteEndObject();
            }

            if (running[s].TargetTxDropped is { } txDropped)
            {
                json.WriteNumber("target_tx_dropped"u8, txDropped);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStream(Utf8JsonWriter json, RunningMirror mirror)
    {
        if (mirror.WhyDown is { } why)
        {
            json.WriteString("reason"u8, why);
        }

        if (mirror.Target is not PcapOverIpTarget)
        {
            return;
        }

        var clients = mirror.Clients;
        json.WriteStartArray("clients"u8);
        for (var c = 0; c < clients.Count; c++)
        {
            json.WriteStartObject();
            json.WriteString("peer"u8, clients[c].Peer);
            json.WriteNumber("sent"u8, clients[c].Sent);
            json.WriteNumber("dropped"u8, clients[c].Dropped);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteFlowTotals(Utf8JsonWriter json)
    {
        var sum = default(WorkerTotals);
        foreach (var pipeline in _parts.Pipelines)
        {
            var totals = pipeline.Counts.ReadTotals();
            sum.FlowsActive += totals.FlowsActive;
            sum.FlowsCreated += totals.FlowsCreated;
            sum.FlowsEvicted += totals.FlowsEvicted;
        }

        long written = 0;
        long dropped = 0;
        foreach (var spool in _parts.Spools)
        {
            written += spool.RecordsWritten;
            dropped += spool.RecordsDropped;
        }

        json.WriteStartObject("flows"u8);
        json.WriteNumber("active"u8, sum.FlowsActive);
        json.WriteNumber("created"u8, sum.FlowsCreated);
        json.WriteNumber("evicted"u8, sum.FlowsEvicted);
        json.WriteNumber("capacity"u8, _parts.Options.Analyse ? _parts.Options.FlowCapacity : 0);
        json.WriteNumber("records_written"u8, written);
        json.WriteNumber("records_dropped"u8, dropped);
        json.WriteEndObject();
    }

    private void WriteVerdicts(Utf8JsonWriter json)
    {
        json.WriteStartObject("verdicts"u8);
        for (var v = 0; v < VerdictNames.Count; v++)
        {
            long frames = 0;
            foreach (var pipeline in _parts.Pipelines)
            {
                frames += pipeline.Counts.ReadVerdict(v);
            }

            json.WriteNumber(VerdictNames.Json(v), frames);
        }

        json.WriteEndObject();
    }

    private void WriteWorkers(Utf8JsonWriter json)
    {
        json.WriteStartArray("workers"u8);
        for (var w = 0; w < _parts.Pipelines.Length; w++)
        {
            var totals = _parts.Pipelines[w].Counts.ReadTotals();
            json.WriteStartObject();
            json.WriteNumber("worker"u8, w);
            json.WriteNumber("cpu"u8, totals.Cpu);
            json.WriteNumber("frames"u8, totals.Frames);
            json.WriteNumber("batches"u8, totals.Batches);
            json.WriteNumber("ring_bytes"u8, _parts.Capture.RingBytes(w));
            json.WriteNumber("allocated_bytes"u8, totals.AllocatedBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, long timeNs)
    {
        TimeText.Write(timeNs, _time);
        json.WriteString(name, _time);
    }
}
