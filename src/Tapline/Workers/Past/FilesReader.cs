// Capture files as the source of a replay, one after the other. In: hostile files. One thread.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Decode;
using Tapline.Filter;

namespace Tapline.Workers.Past;

/// <summary>Reads capture files for a replay.</summary>
internal sealed class FilesReader : ReplayReader
{
    private const int WaitMs = 50;
    private readonly CompiledFilter _filter;
    private readonly FrameBatch _batch = new();
    private readonly List<ushort> _numbers = [];
    private long _examined;
    private long _bytes;
    private long _bytesBefore;

    private FilesReader(ReplayOptions options, FrameRing ring, ReplayPoints points, CompiledFilter filter, long totalBytes)
        : base(options, ring, points)
    {
        _filter = filter;
        TotalBytes = totalBytes;
    }

    public override long Examined => Volatile.Read(ref _examined);

    public override long ReadBytes => Volatile.Read(ref _bytes);

    public override long TotalBytes { get; }

    public override IReadOnlyList<string> Holes => [];

    /// <summary>Null and one sentence when the expression is wrong or the first file can't be read.</summary>
    public static FilesReader? Open(ReplayOptions options, FrameRing ring, ReplayPoints points, out string? error, out bool isUsage)
    {
        isUsage = true;
        if (CompiledFilter.Compile(options.Filter, LinkType.Ethernet, out error) is not { } filter)
        {
            return null;
        }

        if (filter.NeedsDirectory)
        {
            error = "Capture files do not say which machine is which: leave vm, tag and point out of the expression, or choose points "
                + "by --from.";
            return null;
        }

        isUsage = false;
        long bytes = 0;
        foreach (var file in options.Files.Where(f => f != "-"))
        {
            using var reader = RecordedFiles.Open(file, 0, out var fault);
            if (reader is null)
            {
                error = fault;
                return null;
            }

            bytes += reader.LengthBytes;
        }

        return new FilesReader(options, ring, points, filter, options.IsStandardInput ? 0 : options.Passes * bytes);
    }

    protected override void ReadOnce(CancellationToken stop)
    {
        foreach (var file in Options.Files)
        {
            using var source = CaptureFileSource.Open(file, 0, out var error);
            if (source is null)
            {
                Faults.Add(error);
                return;
            }

            var isWanted = ReadFile(source, stop);
            _bytesBefore += source.Reader.PositionBytes;
            if (source.Fault is { } fault && !Faults.Contains(fault))
            {
                Faults.Add(fault);
            }

            if (!isWanted || stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private bool ReadFile(CaptureFileSource source, CancellationToken stop)
    {
        _numbers.Clear();
        while (!stop.IsCancellationRequested)
        {
            var result = source.Lease(_batch, WaitMs);
            if (result is LeaseResult.End or LeaseResult.Faulted)
            {
                return true;
            }

            var isWanted = true;
            for (var i = 0; i < _batch.Count && isWanted; i++)
            {
                isWanted = Take(source.Reader, _batch.Meta(i), _batch.Bytes(i));
            }

            source.Release(_batch);
            Volatile.Write(ref _bytes, _bytesBefore + source.Reader.PositionBytes);
            if (!isWanted)
            {
                return false;
            }
        }

        return false;
    }

    private bool Take(CaptureFileReader reader, in FrameMeta meta, ReadOnlySpan<byte> frame)
    {
        Volatile.Write(ref _examined, _examined + 1);
        if (meta.TimestampNs < Options.SinceNs || meta.TimestampNs >= Options.UntilNs)
        {
            return true;
        }

        if (Options.Filter is not null)
        {
            FrameDecoder.Decode(frame, meta, out var layout);
            if (!_filter.Matches(meta, layout, frame))
            {
                return true;
            }
        }

        while (_numbers.Count <= meta.PointId)
        {
            var point = reader.Interfaces[_numbers.Count];
            _numbers.Add(Points.Add(point.Name, point.Description));
        }

        var played = meta;
        played.PointId = _numbers[meta.PointId];
        return Put(played, frame);
    }
}
