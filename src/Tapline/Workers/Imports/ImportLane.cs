// One capture of an import, frame by frame. Its interfaces become the import's points: equal ones of several captures are one.
// One thread; owns the file and one block of memory.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;

namespace Tapline.Workers.Imports;

/// <summary>An open capture at one of its frames.</summary>
internal sealed class ImportLane : IDisposable
{
    private const int TimeoutMs = 100;
    private readonly CaptureFileReader _reader;
    private readonly ImportPoints _points;
    private readonly FrameBlock _block = new();
    private readonly PacketOptions _options = new();
    private readonly List<(ushort Point, bool TakesFcs)> _interfaces = [];
    private FrameMeta _meta;
    private int _at = -1;

    private ImportLane(CaptureFileReader reader, ImportPoints points)
    {
        _reader = reader;
        _points = points;
    }

    /// <summary>The frame's facts, with its point of the import.</summary>
    public ref readonly FrameMeta Meta => ref _meta;

    public ReadOnlySpan<byte> Frame => _block.Bytes(_at);

    /// <summary>What the capture says of the frame beside its bytes. Borrowed until the next call.</summary>
    public ReadOnlySpan<byte> Options => _options.Take(
        _block.Options(_at, out var isBigEndian), isBigEndian, _interfaces[_block.Meta(_at).PointId].TakesFcs);

    /// <summary>Frames gone through so far.</summary>
    public long Frames { get; private set; }

    /// <summary>Bytes of the file gone through so far.</summary>
    public long PositionBytes => _reader.PositionBytes;

    /// <summary>Length of the file; 0 = a pipe.</summary>
    public long LengthBytes => _reader.LengthBytes;

    /// <summary>What ended the reading early, as a sentence; null = nothing did.</summary>
    public string? Fault => _reader.Fault ?? (_points.IsFull
        ? $"{_reader.Name}: the captures have more than {Limits.PointsMax} interfaces; import them in several runs."
        : null);

    /// <summary>Opens a capture before its first frame; null with one sentence when it can't be read.</summary>
    public static ImportLane? Open(string file, ImportPoints points, out string error)
    {
        var reader = RecordedFiles.Open(file, 0, out error);
        return reader is null ? null : new ImportLane(reader, points);
    }

    /// <summary>Goes to the next frame; false at the end, at a fault, or when asked to stop while waiting.</summary>
    public bool TryNext(CancellationToken stop)
    {
        while (++_at >= _block.Count)
        {
            _at = -1;
            if (stop.IsCancellationRequested || _reader.Read(_block, TimeoutMs) is LeaseResult.End or LeaseResult.Faulted)
            {
                return false;
            }
        }

        _meta = _block.Meta(_at);
        if (_meta.PointId >= _interfaces.Count && !TryMeetInterfaces())
        {
            return false;
        }

        _meta.PointId = _interfaces[_meta.PointId].Point;
        Frames++;
        return true;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _block.Dispose();
    }

    private bool TryMeetInterfaces()
    {
        var all = _reader.Interfaces;
        for (var i = _interfaces.Count; i < all.Count; i++)
        {
            if (_points.Find(_reader.Name, all[i]) is not { } point)
            {
                return false;
            }

            _interfaces.Add((point, all[i].FcsBytes > 0));
        }

        return _meta.PointId < _interfaces.Count;
    }
}
