// Makes the index of a segment from its packets: of segments that a crash left behind, of imports, of copies without an
// index, of indexes that are damaged. In: a pcapng file, hostile like any capture. Out: the index beside it, put there
// by rename, and one sentence. Packets go through the same decoder and flow table as live ones, with the live timeouts,
// one after the other on the calling thread. Memory: a flow table, and 12 bytes for each packet that the file can hold, touched as used.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Workers.Indexing;

/// <summary>Indexes one file at a time. One thread.</summary>
public sealed class SegmentIndexer
{
    private const int SmallestBlockBytes = 16; // a simple packet block without a byte
    private const int FramesMin = 1024;
    private const int BytesPerFlow = 64;
    private const uint PcapngMagic = 0x0A0D_0D0A;
    private const int ReadTimeoutMs = 100;

    /// <summary>Makes the index of a file and puts it beside it, in place of any that is there. False where it can't be made; the
    /// sentence says what was done or why not.</summary>
    /// <param name="segmentPath">The file.</param>
    /// <param name="sentence">What was done.</param>
    /// <param name="stop">Gives up soon after it is set.</param>
    /// <param name="indexPath">Where the index goes; null = beside the file.</param>
    public static bool TryIndex(
        string segmentPath, out string sentence, CancellationToken stop = default, string? indexPath = null)
    {
        ArgumentNullException.ThrowIfNull(segmentPath);
        try
        {
            using var input = SegmentInput.Open(segmentPath);
            var bytes = IsPcapng(input) ? input.Length : -1;
            if (bytes is < 0 or > (long)uint.MaxValue * 4)
            {
                sentence = $"{segmentPath} is no pcapng file of at most 16 GiB; write it anew with editcap, which makes one.";
                return false;
            }

            return TryIndex(segmentPath, input, indexPath ?? SegmentIndex.PathOf(segmentPath), stop, out sentence);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            sentence = $"No index of {segmentPath} can be made: {e.Message}";
            return false;
        }
    }

    private static bool TryIndex(
        string segmentPath, SegmentInput input, string indexPath, CancellationToken stop, out string sentence)
    {
        var bytes = input.Length;
        using var reader = RecordedFiles.Open(segmentPath, 0, out sentence);
        if (reader is null)
        {
            return false;
        }

        var frames = (int)Math.Clamp(bytes / SmallestBlockBytes, FramesMin, int.MaxValue);
        var flows = (int)Math.Clamp(bytes / BytesPerFlow, FramesMin, Limits.IndexFlowsMax);
        using var collector = new IndexCollector(frames, flows, flows, memories: 1);
        using var builder = new IndexBuilder(frames, flows);
        using var table = NewTable(flows, collector);
        collector.Begin(sequence: 0);
        if (!Follow(reader, table, collector, stop))
        {
            sentence = $"{segmentPath} was not indexed: the program ends.";
            return false;
        }

        table.Flush(FlowEndReason.EndOfInput);
        var buffer = collector[collector.Finish()];
        var identity = new IndexHeader { SegmentBytes = bytes, Worker = WorkerOf(segmentPath), Origin = IndexOrigin.Rebuilt };
        builder.Build(buffer, identity, Points(reader), names: null);
        Write(builder, indexPath, input.Container?.Key);
        var rest = reader.Fault is { } fault ? $" What follows can't be read: {fault}" : "";
        sentence = $"Indexed {segmentPath}: {buffer.Frames} packets of {buffer.Flows - 1} flows.{rest}";
        return true;
    }

    private static FlowTable<NoSink> NewTable(int flows, IndexCollector collector)
    {
        var table = new FlowTable<NoSink>(FlowTableOptions.Live with { Capacity = flows }, default)
        {
            Endings = new Endings(collector),
        };
        collector.Flows = table;
        return table;
    }

    private static bool Follow(
        CaptureFileReader reader, FlowTable<NoSink> table, IndexCollector collector, CancellationToken stop)
    {
        using var block = new FrameBlock();
        while (!stop.IsCancellationRequested)
        {
            var result = reader.Read(block, ReadTimeoutMs);
            if (result is not (LeaseResult.Frames or LeaseResult.Idle))
            {
                return true;
            }

            for (var i = 0; i < block.Count; i++)
            {
                ref readonly var meta = ref block.Meta(i);
                FrameDecoder.Decode(block.Bytes(i), meta, out var layout);
                var slot = table.Observe(meta, layout, block.Bytes(i));
                collector.Add(slot, meta.SourceOffset, meta, layout, block.Bytes(i));
                table.Advance(meta.TimestampNs);
            }
        }

        return false;
    }

    private static PointInfo?[] Points(CaptureFileReader reader)
    {
        var interfaces = reader.Interfaces;
        var points = new PointInfo?[interfaces.Count];
        for (var i = 0; i < points.Length; i++)
        {
            points[i] = PointInfo.Parse((ushort)i, interfaces[i].Name, interfaces[i].Description);
        }

        return points;
    }

    // A name of its own beside the index, so that nobody ever reads half of one.
    private static void Write(IndexBuilder builder, string path, SegmentKey? key)
    {
        using var container = key is null ? null : new ContainerSink(new ContainerEncoder(SegmentCompression.None, key));
        var hidden = Path.Combine(Path.GetDirectoryName(path)!, "." + Path.GetFileName(path));
        using (var file = new FileStream(hidden, FileMode.Create, FileAccess.Write))
        {
            container?.Begin(Append);
            for (var part = 0; part < builder.Parts; part++)
            {
                _ = container?.Add(builder.Part(part), Append) ?? Append(builder.Part(part), 0);
            }

            container?.End(Append);

            int Append(ReadOnlySpan<byte> bytes, long offset)
            {
                file.Write(bytes);
                return 0;
            }
        }

        File.Move(hidden, path, overwrite: true);
    }

    private static int WorkerOf(string path) =>
        SegmentName.TryParse(Path.GetFileName(path), out var name, out _) ? name.Worker : 0;

    private static bool IsPcapng(SegmentInput input)
    {
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        return input.Read(magic, 0) == magic.Length && BitConverter.ToUInt32(magic) == PcapngMagic;
    }

    private sealed class Endings(IndexCollector collector) : IFlowEndings
    {
        public void Ended(int slot, in FlowRecord record) => collector.EndFlow(slot, record);
    }

    private readonly struct NoSink : IRecordSink
    {
        public void Write(in FlowRecord record)
        {
        }
    }
}
