// A sealed recording for tests: segments of a few blocks, made by the real recorder, in a data folder with a key of its own.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Evidence;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

/// <summary>A data folder whose recording is sealed.</summary>
internal sealed class SealedRecording : IDisposable
{
    public const long Start = 1_700_000_000_000_000_000;
    public const long Second = 1_000_000_000;
    private readonly TemporaryFolder _data = new();
    private long _now = Start;

    public SealedRecording()
    {
        Key = NodeKey.TryOpenOrMake(_data["node.key"], out var error)!;
        Assert.Null(error);
    }

    public NodeKey Key { get; }

    public string Data => _data.Path;

    public string Folder => _data["recording"];

    /// <summary>Time of the next frame, and so the name of the next segment.</summary>
    public long Now => _now;

    public string PublicKey => _data["node.pub"];

    public string Journal => Path.Combine(Folder, "evidence.json");

    /// <summary>Visible segments, oldest first, as full paths.</summary>
    public string[] Segments => [.. Directory.GetFiles(Folder, "*.pcapng").Order(StringComparer.Ordinal)];

    public static string SealOf(string segment) => Path.ChangeExtension(segment, ".sig");

    /// <summary>Opens the recording, sealed unless said otherwise.</summary>
    public SegmentFolder Open(long budgetBytes = 1 << 30, bool isSealing = true, bool isImport = false, bool hasKey = true)
    {
        var evidence = hasKey ? new EvidenceOptions(Key) { IsSealing = isSealing, IsImport = isImport } : null;
        var folder = SegmentFolder.TryOpen(Folder, new RetentionRules { BudgetBytes = budgetBytes }, out var error, evidence: evidence);
        Assert.Null(error);
        return folder!;
    }

    public SegmentRecorder NewRecorder(SegmentFolder folder, DiskCalls disk, ushort worker = 0) =>
        new(folder, new RecorderOptions { Worker = worker, Node = "n", BufferBytes = 2 << 20, BufferCount = 4 }, disk);

    /// <summary>Records whole segments of some blocks each.</summary>
    public void Record(SegmentFolder folder, int segments, ushort worker = 0, int frames = 40, DiskCalls? disk = null)
    {
        using var recorder = NewRecorder(folder, disk ?? new DiskCalls(), worker);
        RecordSegments(recorder, segments, frames);
        recorder.Close(_now);
    }

    /// <summary>The same with a recorder that goes on.</summary>
    public void RecordSegments(SegmentRecorder recorder, int segments, int frames = 40)
    {
        for (var segment = 0; segment < segments; segment++)
        {
            RecordFrames(recorder, frames);
            Assert.True(Await.Until(() => recorder.HasRoomForBurst || recorder.StallReason is not null));
            _now += 61 * Second;
            recorder.EndBatch(_now);
            _now += Second;
        }
    }

    /// <summary>The same in a run of its own.</summary>
    public void Record(int segments, ushort worker = 0, int frames = 40)
    {
        using var folder = Open();
        Record(folder, segments, worker, frames);
    }

    public void RecordFrames(SegmentRecorder recorder, int frames)
    {
        var bytes = new byte[60_000];
        for (var frame = 0; frame < frames; frame++)
        {
            new Random((int)(_now / 1000)).NextBytes(bytes);
            var meta = new FrameMeta
            {
                TimestampNs = _now, CapturedLength = bytes.Length, OriginalLength = bytes.Length, PointId = 1, LinkType = LinkType.Ethernet,
            };
            Assert.True(Await.Until(() => recorder.Append(meta, bytes) == AppendResult.Recorded));
            _now += 1000;
        }

        recorder.EndBatch(_now);
    }

    public VerifyReport Verify(VerifyOptions? options = null, bool isOtherKey = false)
    {
        using var other = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(isOtherKey ? other.Path : PublicKey, out var error)!;
        Assert.Null(error);
        options = (options ?? new VerifyOptions { Folder = "", Keys = keys }) with { Folder = Folder, Keys = keys };
        var report = RecordingVerifier.Run(options, out error, null, CancellationToken.None);
        Assert.Null(error);
        return report!;
    }

    public void AssertIntact()
    {
        var report = Verify();
        Assert.True(report.IsIntact, Sentences(report));
    }

    /// <summary>Every segment has its seal, and those of a worker follow each other in time.</summary>
    public void AssertSealedInOrder(ushort worker = 0)
    {
        var sequences = new List<long>();
        foreach (var segment in Segments.Where(s => SegmentName.TryParse(Path.GetFileName(s), out var n, out _) && n.Worker == worker))
        {
            Assert.True(SealText.TryRead(File.ReadAllBytes(SealOf(segment)), out var seal), segment);
            sequences.Add(seal.Sequence);
        }

        Assert.Equal(sequences.Order(), sequences);
    }

    /// <summary>The only finding; of a kind, and with the file named.</summary>
    public VerifyFinding AssertOne(FindingKind kind, string? file)
    {
        var report = Verify();
        Assert.False(report.IsIntact);
        var finding = Assert.Single(report.Findings);
        Assert.Equal(kind, finding.Kind);
        Assert.Equal(file is null ? null : Path.GetFileName(file), finding.File);
        return finding;
    }

    public static string Sentences(VerifyReport report) => string.Join('\n', report.Findings.Select(f => $"{f.Kind}: {f.Sentence}"));

    public void Dispose()
    {
        Key.Dispose();
        _data.Dispose();
    }
}
