// Counters that are read while they grow: every reading is a whole batch, so sums balance at any moment.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class WorkerCountsTests
{
    [Fact]
    public void AReaderNeverSeesHalfABatch()
    {
        using var counts = new WorkerCounts(4);
        var isOver = false;
        var writer = new Thread(() =>
        {
            var meta = new FrameMeta { PointId = 2, OriginalLength = 100, CapturedLength = 100 };
            var good = new FrameLayout { Verdict = DecodeVerdict.Transport };
            var bad = new FrameLayout { Verdict = DecodeVerdict.BadLength };
            while (!Volatile.Read(ref isOver))
            {
                counts.BeginUpdate();
                for (var i = 0; i < 64; i++)
                {
                    counts.Count(meta, i % 3 == 0 ? bad : good);
                }

                counts.Totals.Frames += 64;
                counts.EndUpdate();

                // A worker counts for a small part of its time; a reader finds it between two batches.
                Thread.SpinWait(100);
            }
        });
        writer.Start();
        long last = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var point = counts.ReadPoint(2);
            Assert.Equal(0, point.Captured % 64);
            Assert.Equal(point.Captured, point.Analysed + point.Undecodable);
            Assert.Equal(point.Captured * 100, point.CapturedBytes);
            Assert.True(point.Captured >= last);
            last = point.Captured;
            Assert.Equal(0, counts.ReadTotals().Frames % 64);
        }

        Volatile.Write(ref isOver, true);
        writer.Join();
    }

    [Theory]
    [InlineData(0, 0, 1000, 1)]
    [InlineData(1448, GsoType.Tcpv4, 54 + 1448, 1)]
    [InlineData(1448, GsoType.Tcpv4, 54 + 1449, 2)]
    [InlineData(1448, GsoType.Tcpv4 | GsoType.Ecn, 54 + (45 * 1448), 45)]
    [InlineData(1448, GsoType.Tcpv4, 54, 1)]
    [InlineData(1480, GsoType.Udp, 34 + 2961, 3)]
    public void SuperFramesCountAsTheirWireSegments(int size, GsoType type, int length, int expected)
    {
        var meta = new FrameMeta { GsoSize = (ushort)size, GsoType = type, OriginalLength = length };
        var layout = new FrameLayout { TransportOffset = 34, PayloadOffset = 54 };
        Assert.Equal(expected, WireSegments.Count(meta, layout));
    }
}
