// A target in memory: keeps what it takes, takes only as much as it is told to, goes down when told to.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Mirror;
using Tapline.Mirror.Targets;

namespace Tapline.Tests.Mirror;

/// <summary>Wire frames into a list (or nowhere), over the same queue that the real sender has.</summary>
internal sealed class MemoryOutput(int entries = 4096, int bufferBytes = 4 << 20) : WireOutput
{
    private readonly SendQueue _queue = new(entries, bufferBytes);
    private readonly byte[] _buffer = new byte[bufferBytes];
    private readonly (int Offset, int Bytes)[] _places = new (int, int)[entries];

    public List<byte[]>? Taken { get; init; } = [];

    public int MtuBytes { get; set; } = 1500;

    public OversizePolicy Policy { get; init; }

    public override OversizePolicy Oversize => Policy;

    /// <summary>Wire frames that will still be taken.</summary>
    public int Appetite { get; set; } = int.MaxValue;

    /// <summary>The next wire frame is refused with this reason.</summary>
    public DropReason RefuseNext { get; set; }

    public bool Up { get; set; } = true;

    public override int FrameBytesMax => MtuBytes + 14;

    public override bool IsUp => Up;

    public override int FillPercent => _queue.FillPercent;

    public override DropReason Begin(
        in FrameMeta meta, in FrameLayout layout, int wireFrames, int wireBytes, ref MirrorCounters counters)
    {
        if (!_queue.CanEverHold(wireFrames, wireBytes))
        {
            return DropReason.Error;
        }

        if (_queue.TryBegin(wireFrames, wireBytes))
        {
            return DropReason.None;
        }

        Flush(ref counters);
        return _queue.TryBegin(wireFrames, wireBytes) ? DropReason.None : DropReason.Busy;
    }

    public override Span<byte> Slot(int bytes) => _buffer.AsSpan(_queue.WriteOffset, bytes);

    public override void Commit(int bytes, bool isSliced)
    {
        var offset = _queue.WriteOffset;
        _places[_queue.Append(bytes, isSliced)] = (offset, bytes);
    }

    public override void EndFrame(ref MirrorCounters counters) => _queue.EndFrame(ref counters);

    public override void Flush(ref MirrorCounters counters)
    {
        if (!Up)
        {
            _queue.DropAll(DropReason.TargetDown, ref counters);
        }

        while (_queue.Count > 0 && Appetite > 0)
        {
            if (RefuseNext != DropReason.None)
            {
                _queue.Drop(RefuseNext, ref counters);
                RefuseNext = DropReason.None;
                continue;
            }

            var (offset, bytes) = _places[_queue.HeadIndex];
            Taken?.Add(_buffer.AsSpan(offset, bytes).ToArray());
            Appetite--;
            _queue.Sent(1, ref counters);
        }
    }

    public override void Finish(ref MirrorCounters counters)
    {
        Flush(ref counters);
        _queue.DropAll(DropReason.Busy, ref counters);
    }

    public override void Dispose() => _queue.Dispose();
}
