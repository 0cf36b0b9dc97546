// What one receiver (a file, a client) got and did not get, by point, and its ending in pcapng's words: an interface
// statistics block for each point, so that what was received states its own completeness. The stream's thread.
using System.Numerics;
using Tapline.Base;

namespace Tapline.Mirror.Streams;

/// <summary>Counts of one receiver from its beginning on.</summary>
/// <param name="losses">Losses that lie before the stream.</param>
internal sealed class StreamTally(StreamLosses losses)
{
    private const int OptionsBytes = 6 * 12;
    private const int BlockBytes = 20 + OptionsBytes + 8;
    private readonly long[] _written = new long[Limits.PointsMax];
    private readonly long[] _dropped = new long[Limits.PointsMax];
    private readonly long[] _missedBefore = new long[Limits.PointsMax];
    private readonly long[] _ringBefore = new long[Limits.PointsMax];
    private long _startNs;

    /// <summary>The receiver begins now: losses so far are none of its.</summary>
    public void Begin(long nowNs)
    {
        _startNs = nowNs;
        Array.Clear(_written);
        Array.Clear(_dropped);
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            _missedBefore[point] = losses.Missed(point);
            _ringBefore[point] = losses.DroppedBefore(point);
        }
    }

    /// <summary>The receiver got the chunk, or not.</summary>
    public void Count(StreamChunk chunk, bool isWritten)
    {
        var counts = isWritten ? _written : _dropped;
        foreach (var point in chunk.Points)
        {
            counts[point] += chunk.Count(point);
        }
    }

    /// <summary>Points of which there is something to tell get an interface, those included of which all was lost.</summary>
    public void NameTouched(StreamInterfaces interfaces)
    {
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            if (Dropped(point) > 0)
            {
                _ = interfaces.Of((ushort)point, LinkType.Ethernet);
            }
        }
    }

    /// <summary>Room that <see cref="Write"/> needs.</summary>
    public int Bytes(StreamInterfaces interfaces)
    {
        var bytes = 0;
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            bytes += IsTold(interfaces, point) ? BlockBytes : 0;
        }

        return bytes;
    }

    /// <summary>Writes the statistics blocks; returns their length.</summary>
    public int Write(Span<byte> target, StreamInterfaces interfaces, long nowNs)
    {
        Span<byte> options = stackalloc byte[OptionsBytes];
        var length = 0;
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            if (!IsTold(interfaces, point))
            {
                continue;
            }

            // Packets as written, except that a super-frame that was lost counts once: it never was cut.
            var ring = losses.DroppedBefore(point) - _ringBefore[point];
            var at = PcapngWriter.WriteOption(options, 2, SwapHalves(_startNs)); // isb_starttime
            at += PcapngWriter.WriteOption(options[at..], 3, SwapHalves(nowNs)); // isb_endtime
            at += PcapngWriter.WriteOption(options[at..], 4, _written[point] + Dropped(point)); // isb_ifrecv
            at += PcapngWriter.WriteOption(options[at..], 5, Dropped(point)); // isb_ifdrop: all losses
            at += PcapngWriter.WriteOption(options[at..], 7, ring); // isb_osdrop
            at += PcapngWriter.WriteOption(options[at..], 8, _written[point]); // isb_usrdeliv
            Invariant.Check(at == OptionsBytes);
            length += PcapngWriter.WriteStatistics(target[length..], (uint)interfaces.Find(point), nowNs, options);
        }

        return length;
    }

    private bool IsTold(StreamInterfaces interfaces, int point) =>
        interfaces.Find(point) >= 0 && (_written[point] > 0 || Dropped(point) > 0);

    private long Dropped(int point) =>
        _dropped[point] + losses.Missed(point) - _missedBefore[point] + losses.DroppedBefore(point) - _ringBefore[point];

    // Times in options are two 32-bit halves, the upper one first, unlike the other 64-bit numbers.
    private static long SwapHalves(long value) => (long)BitOperations.RotateLeft((ulong)value, 32);
}
