// The recorder's stack of free buffers: the last one used is the next one, none is lost or had twice between two threads.
using Tapline.Base;
using Tapline.Record.Io;
using Xunit;

namespace Tapline.Tests.Record.Io;

public class FreeBuffersTests
{
    [Fact]
    public void All_buffers_but_the_first_are_free_at_the_start()
    {
        var free = new FreeBuffers(4);
        var taken = new List<int>();
        Assert.Equal(3, free.Count);
        while (free.TryTake(out var index))
        {
            taken.Add(index);
        }

        Assert.Equal([1, 2, 3], taken);
        Assert.Equal(0, free.Count);
    }

    [Fact]
    public void A_recorder_whose_disk_keeps_up_uses_two_buffers_and_touches_no_other()
    {
        var free = new FreeBuffers(64);
        var used = new HashSet<int> { 0 };
        var current = 0;
        for (var turn = 0; turn < 1000; turn++)
        {
            Assert.True(free.TryTake(out var next));
            free.Put(current); // written at once
            current = next;
            used.Add(current);
        }

        Assert.Equal(2, used.Count);
    }

    [Fact]
    public void Between_two_threads_no_buffer_is_lost_or_had_twice()
    {
        const int Buffers = 16;
        const int Turns = 50_000;
        var free = new FreeBuffers(Buffers);
        var full = new HandoverRing(Buffers);
        var owned = new int[Buffers];
        owned[0] = 1;
        var writer = new Thread(() =>
        {
            for (var turn = 0; turn < Turns; turn++)
            {
                int index;
                while (!full.TryTake(out index))
                {
                    Thread.Yield();
                }

                Interlocked.Decrement(ref owned[index]);
                free.Put(index);
            }
        });
        writer.Start();
        var current = 0;
        var mostOwners = 0;
        for (var turn = 0; turn < Turns; turn++)
        {
            int next;
            while (!free.TryTake(out next))
            {
                Thread.Yield();
            }

            mostOwners = Math.Max(mostOwners, Interlocked.Increment(ref owned[next]));
            full.Put(current);
            current = next;
        }

        writer.Join();
        Assert.Equal(1, mostOwners);
        Assert.Equal(Buffers - 1, free.Count);
    }
}
