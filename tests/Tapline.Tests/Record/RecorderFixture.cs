// A recorder on a folder of its own with small buffers, and frames to feed it.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record;
using Tapline.Record.Summary;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

/// <summary>One worker's recorder for a test. Time begins at <see cref="Start"/>.</summary>
internal sealed class RecorderFixture : IDisposable
{
    public const long Start = 1_700_000_000_123_456_789;
    public const long Second = 1_000_000_000;
    private long _frames;

    public RecorderFixture(
        long budgetBytes = 1 << 30, DiskCalls? disk = null, string? filter = null, Func<RecorderOptions, RecorderOptions>? change = null)
    {
        Recordings = SegmentFolder.TryOpen(Folder.Path, budgetBytes, out var error)!;
        Assert.Null(error);
        var options = new RecorderOptions
        {
            Worker = 2, Node = "n", BufferBytes = 2 << 20, BufferCount = 4, Filter = filter,
        };
        Recorder = new SegmentRecorder(Recordings, change?.Invoke(options) ?? options, disk ?? new DiskCalls());
        var vm = new PointInfo(1, "vnet1", "vm_port", "br0", "web01", "uuid-1") { SpeedBitsPerSecond = 10_000_000_000 };
        Recorder.AddPoint(vm);
        Recorder.AddPoint(new PointInfo(2, "eth0", "uplink", "br0"));
    }

    public TemporaryFolder Folder { get; } = new();

    public SegmentFolder Recordings { get; }

    public SegmentRecorder Recorder { get; }

    /// <summary>Frames that were taken, as they must be read back.</summary>
    public List<ReadFrame> Taken { get; } = [];

    /// <summary>Visible segments, oldest first, as full paths.</summary>
    public string[] Segments => [.. Folder.Names.Where(n => SegmentName.TryParse(n, out _, out var h) && !h).Select(n => Folder[n])];

    /// <summary>What segments and the folder's summary take on disk.</summary>
    public long KeptBytes => Segments.Sum(s => new FileInfo(s).Length)
        + Folder.Names.Where(n => SummaryShelf.TryParse(n, out _)).Sum(n => new FileInfo(Folder[n]).Length);

    public AppendResult Append(int length, ushort point = 1, FrameFlags flags = 0, long? timestampNs = null)
    {
        var bytes = new byte[length];
        new Random((int)++_frames).NextBytes(bytes);
        var meta = new FrameMeta
        {
            TimestampNs = timestampNs ?? Start + _frames,
            CapturedLength = length,
            OriginalLength = length + 3,
            PointId = point,
            LinkType = LinkType.Ethernet,
            Flags = flags,
        };
        var result = Recorder.Append(meta, bytes);
        if (result == AppendResult.Recorded)
        {
            var name = point switch { 1 => "vnet1", 2 => "eth0", _ => $"point-{point}" };
            Taken.Add(new ReadFrame(meta.TimestampNs, name, meta.OriginalLength, LinkType.Ethernet, bytes));
        }

        return result;
    }

    /// <summary>Checks that the visible segments hold exactly the frames that were taken.</summary>
    public void AssertAllTakenAreThere()
    {
        var read = Segments.SelectMany(SegmentFile.Frames).ToList();
        Assert.Equal(Taken.Count, read.Count);
        for (var index = 0; index < read.Count; index++)
        {
            Assert.Equal(Taken[index] with { Bytes = [] }, read[index] with { Bytes = [] }, Comparer);
            Assert.Equal(Taken[index].Bytes, read[index].Bytes);
        }
    }

    public void Dispose()
    {
        Recorder.Dispose();
        Recordings.Dispose();
        Folder.Dispose();
    }

    private static bool Comparer(ReadFrame left, ReadFrame right) =>
        (left.TimestampNs, left.Interface, left.OriginalLength, left.LinkType)
            == (right.TimestampNs, right.Interface, right.OriginalLength, right.LinkType);
}
