// A data folder into which captures are imported, and what a query then finds there.
using Tapline.Base;
using Tapline.Record.Extract;
using Tapline.Tests.Support;
using Tapline.Workers.Imports;
using Xunit;

namespace Tapline.Tests.Workers.Imports;

/// <summary>One packet of an answer.</summary>
internal sealed record Found(long TimeNs, int OriginalLength, byte[] Bytes, byte[] Block, string Point);

/// <summary>A recording for imports.</summary>
internal sealed class ImportFixture : IDisposable
{
    public TemporaryFolder Folder { get; } = new();

    public string Recording => Folder["recording"];

    public IReadOnlyList<string> Notes { get; private set; } = [];

    public string Error { get; private set; } = "";

    /// <summary>Writes a capture and returns its path.</summary>
    public string Capture(string name, byte[] bytes)
    {
        File.WriteAllBytes(Folder[name], bytes);
        return Folder[name];
    }

    /// <summary>A classic capture of frames with one byte of payload each at these seconds.</summary>
    public string Seconds(string name, params uint[] seconds)
    {
        var capture = new CaptureBytes().PcapHeader();
        foreach (var second in seconds)
        {
            capture.PcapRecord(Frame((byte)second), second);
        }

        return Capture(name, capture.ToArray());
    }

    public static byte[] Frame(byte tag) =>
        new FrameBuilder().Ethernet().Ipv4("10.0.0.1", "10.0.0.2").Udp(1000 + tag, 53).Payload(tag).Build();

    public ImportReport? Import(params string[] files) => Import(o => o, files);

    public ImportReport? Import(Func<ImportOptions, ImportOptions> change, params string[] files)
    {
        var options = change(new ImportOptions { Files = files, Recording = Recording });
        var report = CaptureImport.Run(options, null, CancellationToken.None, out var notes, out var error);
        (Notes, Error) = (notes, error);
        Assert.Equal(report is null, error.Length > 0);
        return report;
    }

    public List<Found> Query(string expression, Func<ExtractOptions, ExtractOptions>? change = null) => Query(expression, change, out _);

    public List<Found> Query(string expression, Func<ExtractOptions, ExtractOptions>? change, out ExtractReport report)
    {
        var filter = ExtractFilter.Compile(expression, out var mistake);
        Assert.True(filter is not null, mistake);
        var options = new ExtractOptions { Folder = Recording, Filter = filter };
        options = change?.Invoke(options) ?? options;
        var plan = ExtractPlan.Make(options, out var error);
        Assert.True(plan is not null, error);
        var sink = new Sink();
        report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
        Assert.Empty(report.Faults);
        return sink.All;
    }

    /// <summary>Seconds of the packets found, in their order.</summary>
    public long[] Times(string expression = "") => [.. Query(expression).Select(f => f.TimeNs / Clock.SecondNs)];

    public void Dispose() => Folder.Dispose();

    private sealed class Sink : IExtractSink
    {
        private readonly List<string> _points = [];

        public List<Found> All { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point) => _points.Add(point.Name);

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) =>
            All.Add(new Found(meta.TimestampNs, meta.OriginalLength, frame.ToArray(), block.ToArray(), _points[meta.PointId]));

        public void Rest()
        {
        }
    }
}
