// The ring between a reader and a sender: what goes in comes out, in order, once, whatever the sizes; full is false.
using CsCheck;
using Tapline.Base;
using Tapline.Tests.Support;
using Tapline.Workers.Past;
using Xunit;

namespace Tapline.Tests.Workers.Past;

public sealed class FrameRingTests
{
    private const int Frames = 64;
    private const int Bytes = Limits.FrameBytesMax;

    [Fact]
    public void What_goes_in_comes_out_in_order()
    {
        Gen.Select(Gen.Int[0, 40_000], Gen.Bool).Array[0, 400].Sample(steps =>
        {
            using var ring = new FrameRing(Frames, Bytes);
            var expected = new Queue<(long Number, int Length)>();
            var number = 0L;
            foreach (var (length, isPut) in steps)
            {
                if (isPut)
                {
                    var frame = new byte[length];
                    Array.Fill(frame, (byte)number);
                    var isTaken = ring.TryPut(new FrameMeta { TimestampNs = number }, frame, (int)number);
                    Assert.True(isTaken || expected.Count == Frames || expected.Sum(e => (long)e.Length) + (2 * length) > Bytes - 40_000);
                    if (isTaken)
                    {
                        expected.Enqueue((number, length));
                    }

                    number++;
                }
                else
                {
                    Check(ring, expected);
                }
            }

            while (expected.Count > 0)
            {
                Check(ring, expected);
            }

            Assert.False(ring.TryPeek(out _, out _, out _));
        });
    }

    [Fact]
    public void The_largest_frame_finds_room_in_an_empty_ring_wherever_its_end_is()
    {
        using var ring = new FrameRing(Frames, Bytes);
        foreach (var length in (int[])[1, Bytes, 1000, Bytes - 1, Bytes, 0, Bytes])
        {
            Assert.True(ring.TryPut(default, new byte[length], 0));
            Assert.True(ring.TryPeek(out _, out var frame, out _));
            Assert.Equal(length, frame.Length);
            ring.Pop();
        }
    }

    [Fact]
    public void Two_threads_lose_nothing_and_allocate_nothing()
    {
        const int Count = 100_000;
        using var ring = new FrameRing(Frames, Bytes);
        var allocated = Allocations.LeastOf(() =>
        {
            for (var i = 0; i < Count; i++)
            {
                Assert.True(ring.TryPut(default, [1, 2, 3], i));
                Assert.True(ring.TryPeek(out _, out _, out _));
                ring.Pop();
            }
        });
        Assert.Equal(0, allocated);

        var putting = new Thread(() =>
        {
            for (var i = 0; i < Count; i++)
            {
                while (!ring.TryPut(new FrameMeta { TimestampNs = i }, [(byte)i, (byte)(i >> 8)], i))
                {
                    Thread.Yield();
                }
            }
        });
        putting.Start();
        for (var i = 0; i < Count; i++)
        {
            FrameMeta meta;
            ReadOnlySpan<byte> frame;
            while (!ring.TryPeek(out meta, out frame, out _))
            {
                Thread.Yield();
            }

            Assert.Equal(i, meta.TimestampNs);
            Assert.Equal(i & 0xffff, frame[0] | (frame[1] << 8));
            ring.Pop();
        }

        putting.Join();
    }

    private static void Check(FrameRing ring, Queue<(long Number, int Length)> expected)
    {
        Assert.Equal(expected.Count > 0, ring.TryPeek(out var meta, out var frame, out var tag));
        if (expected.Count > 0)
        {
            var (number, length) = expected.Dequeue();
            Assert.Equal((number, (int)number, length), (meta.TimestampNs, tag, frame.Length));
            Assert.True(frame.IndexOfAnyExcept((byte)number) < 0);
            ring.Pop();
        }
    }
}
