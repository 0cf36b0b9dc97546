// A session's output on one worker that makes packet blocks: the session writes each wire frame where it will stand in its
// block, this puts the block around it and publishes it to the stream's thread. Never waits, allocates nothing; when the
// ring is full the frame is busy. One worker thread.
using System.Diagnostics;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror.Streams;

namespace Tapline.Mirror.Send.Streams;

/// <summary>One worker's end of a <see cref="PcapngStream"/>.</summary>
internal sealed class StreamOutput : WireOutput
{
    private const FrameFlags CapturedOnly = FrameFlags.ChecksumPartial | FrameFlags.Cut;
    private static readonly TimeSpan s_finishLimit = TimeSpan.FromMilliseconds(500);
    private readonly PcapngStream _stream;
    private readonly BlockRing _ring;
    private readonly int _worker;
    private readonly bool _asCaptured;
    private FrameMeta _meta;
    private bool _isPublished;
    private bool _isFinished;
    private bool _isDisposed;

    public StreamOutput(PcapngStream stream, int worker, bool asCaptured)
    {
        _stream = stream;
        _worker = worker;
        _asCaptured = asCaptured;
        _ring = stream.Ring(worker);
    }

    /// <inheritdoc/>
    public override int FrameBytesMax => Limits.FrameBytesMax;

    /// <inheritdoc/>
    public override bool IsUp => _stream.Sink.WhyDown is null;

    /// <inheritdoc/>
    public override int FillPercent => _ring.FillPercent;

    /// <inheritdoc/>
    public override string? WhyDown => _stream.Sink.WhyDown;

    /// <inheritdoc/>
    public override IReadOnlyList<StreamClient> Clients => _stream.Sink.Clients;

    /// <inheritdoc/>
    public override bool TakesAsCaptured(in FrameMeta meta) =>
        _asCaptured || meta.LinkType != LinkType.Ethernet || meta.CapturedLength < meta.OriginalLength;

    /// <inheritdoc/>
    public override void Missed(in FrameMeta meta, DropReason reason)
    {
        if (reason != DropReason.Unwanted)
        {
            _stream.Losses.Miss(_worker, meta.PointId);
        }
    }

    /// <inheritdoc/>
    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        if (!_stream.Sink.IsRead || OwnConnections.Has(layout))
        {
            return DropReason.Unwanted;
        }

        _meta = meta;
        if (!TakesAsCaptured(meta))
        {
            _meta.GsoType = GsoType.None;
            _meta.GsoSize = 0;
            _meta.Flags &= ~CapturedOnly;
        }

        var blocks = wireFrames;
        var bytes = wireBytes + (wireFrames * (PcapngWriter.PacketBytes(_meta, 0) + 3));
        if (_ring.TryBegin(blocks, bytes))
        {
            return DropReason.None;
        }

        if (!_ring.CanEverHold(blocks, bytes))
        {
            return DropReason.Error;
        }

        Flush(ref counters);
        return _ring.TryBegin(blocks, bytes) ? DropReason.None : DropReason.Busy;
    }

    /// <inheritdoc/>
    public override Span<byte> Slot(int bytes) =>
        _ring.Room(PcapngWriter.PacketHeaderBytes + bytes)[PcapngWriter.PacketHeaderBytes..];

    /// <inheritdoc/>
    public override void Commit(int bytes, bool isSliced) => CommitPart(bytes, isSliced ? bytes + 1 : bytes);

    /// <inheritdoc/>
    public override void CommitPart(int bytes, int wholeBytes)
    {
        _meta.OriginalLength = wholeBytes;
        var length = PcapngWriter.PacketBytes(_meta, bytes);
        PcapngWriter.FinishPacket(_ring.Room(length), 0, _meta, bytes);
        _ring.Append(new StreamBlock
        {
            TimestampNs = _meta.TimestampNs,
            Bytes = length,
            FrameBytes = bytes,
            Point = _meta.PointId,
            LinkType = _meta.LinkType,
            IsSliced = bytes < wholeBytes,
        });
    }

    /// <inheritdoc/>
    public override void EndFrame(ref MirrorCounters counters)
    {
        _ring.EndFrame(ref counters);
        _isPublished = true;
    }

    /// <inheritdoc/>
    public override void Flush(ref MirrorCounters counters)
    {
        if (_isPublished)
        {
            _isPublished = false;
            _stream.WakeIfAsleep();
        }

        _ring.Settle(ref counters);
    }

    /// <inheritdoc/>
    public override void Finish(ref MirrorCounters counters)
    {
        // As long as the stream moves nothing is given up within the limit; then what waits is: the worker has others to serve.
        WaitForStream(ref counters);
        if (_ring.Waiting > 0)
        {
            _stream.GiveUp(_worker);
            WaitForStream(ref counters);
        }

        _ring.GiveUp(DropReason.Busy, ref counters);
        if (!_isFinished)
        {
            _isFinished = true;
            _stream.FinishOne();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _stream.Release();
        }
    }

    private void WaitForStream(ref MirrorCounters counters)
    {
        var start = Stopwatch.GetTimestamp();
        Flush(ref counters);
        while (_ring.Waiting > 0 && Stopwatch.GetElapsedTime(start) < s_finishLimit)
        {
            _stream.WakeIfAsleep();
            Thread.Sleep(1);
            Flush(ref counters);
        }
    }
}
