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
    private readonly long[] _lost = new long[Limits.PointsMax];
    private readonly long[] _lostBefore = new long[Limits.PointsMax];
    private readonly long[] _ring = new long[Limits.PointsMax];
    private readonly long[] _ringBefore = new long[Limits.PointsMax];

    // What the rings lost of points that the session does not copy is nothing that the receiver lacks.
    private readonly bool[] _isOurs = new bool[Limits.PointsMax];
    private long _startNs;

    /// <summary>The receiver begins now. Losses before are none of its, but for those since its own last ending.</summary>
    public void Begin(long nowNs)
    {
        if (_startNs == 0)
        {
            ReadLosses();
        }

        _startNs = nowNs;
        Array.Clear(_written);
        Array.Clear(_dropped);
        _lost.CopyTo(_lostBefore, 0);
        _ring.CopyTo(_ringBefore, 0);
    }

    /// <summary>The receiver got the chunk, or not.</summary>
    public void Count(StreamChunk chunk, bool isWritten)
    {
        var counts = isWritten ? _written : _dropped;
        foreach (var point in chunk.Points)
        {
            counts[point] += chunk.Count(point);
            _isOurs[point] = true;
        }
    }

    /// <summary>
    /// The receiver ends now: its losses are read once, and points of which there is something to tell get an interface,
    /// those included of which all was lost.
    /// </summary>
    public void End(StreamInterfaces interfaces)
    {
        ReadLosses();
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            if (Dropped(point) > 0)
            {
                _ = interfaces.Of((ushort)point, LinkType.Ethernet);
            }
        }
    }

    /// <summary>Room that <see cref="Write"/> needs, after <see cref="End"/>.</summary>
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
            var at = PcapngWriter.WriteOption(options, 2, SwapHalves(_startNs)); // isb_starttime
            at += PcapngWriter.WriteOption(options[at..], 3, SwapHalves(nowNs)); // isb_endtime
            at += PcapngWriter.WriteOption(options[at..], 4, _written[point] + Dropped(point)); // isb_ifrecv
            at += PcapngWriter.WriteOption(options[at..], 5, Dropped(point)); // isb_ifdrop: all losses
            at += PcapngWriter.WriteOption(options[at..], 7, DroppedInRing(point)); // isb_osdrop
            at += PcapngWriter.WriteOption(options[at..], 8, _written[point]); // isb_usrdeliv
            Invariant.Check(at == OptionsBytes);
            length += PcapngWriter.WriteStatistics(target[length..], (uint)interfaces.Find(point), nowNs, options);
        }

        return length;
    }

    private bool IsTold(StreamInterfaces interfaces, int point) =>
        interfaces.Find(point) >= 0 && (_written[point] > 0 || Dropped(point) > 0);

    private long Dropped(int point) => _dropped[point] + _lost[point] - _lostBefore[point] + DroppedInRing(point);

    private long DroppedInRing(int point) => _isOurs[point] ? _ring[point] - _ringBefore[point] : 0;

    private void ReadLosses()
    {
        for (var point = 0; point < Limits.PointsMax; point++)
        {
            _lost[point] = losses.Missed(point);
            _isOurs[point] |= _lost[point] > 0;
            _ring[point] = losses.DroppedBefore(point);
        }
    }

    // Times in options are two 32-bit halves, the upper one first, unlike the other 64-bit numbers.
    private static long SwapHalves(long value) => (long)BitOperations.RotateLeft((ulong)value, 32);
}
