// Frames of several segments in one order: whatever comes, it leaves as a stable sort of it would, as far as it was told to wait; memory is
// bounded, and beyond the bound disorder is counted.
using System.Buffers.Binary;
using CsCheck;
using Tapline.Base;
using Tapline.Record.Extract;
using Xunit;

namespace Tapline.Tests.Record;

public sealed class TimeOrderTests
{
    [Fact]
    public void WhatComesInAnyOrderLeavesByTimeAndThenAsItCame() =>
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 600]).Array[1, 400].Sample(
            frames =>
            {
                var left = new List<(long TimeNs, int Number)>();
                var order = new TimeOrder((in FrameMeta meta, ReadOnlySpan<byte> block) => left.Add(Read(meta, block)), 64 << 20);
                for (var number = 0; number < frames.Length; number++)
                {
                    Put(order, (number / 10) + frames[number].Item1, number, frames[number].Item2 * 97);
                    order.Release((number / 10) - 1); // nothing earlier can come
                }

                order.ReleaseAll();
                Assert.Equal(
                    frames.Select((f, i) => ((long)(i / 10) + f.Item1, i)).OrderBy(f => f.Item1).ThenBy(f => f.i), left);
                Assert.Equal(0, order.OutOfOrder);
            },
            iter: 200,
            threads: 1);

    [Fact]
    public void BeyondItsMemoryTheEarliestLeavesAndDisorderIsCounted()
    {
        var left = new List<(long TimeNs, int Number)>();
        var order = new TimeOrder((in FrameMeta meta, ReadOnlySpan<byte> block) => left.Add(Read(meta, block)), 1 << 20);
        for (var number = 0; number < 1000; number++)
        {
            Put(order, 1000 + number, number, 10_000);
        }

        Assert.InRange(1000 - left.Count, 1, (1 << 20) / 10_000);
        Put(order, 1, 1000, 10_000);
        order.ReleaseAll();
        Assert.Equal(1001, left.Count);
        Assert.Equal(1, order.OutOfOrder);
    }

    private static void Put(TimeOrder order, long timeNs, int number, int bytes)
    {
        var block = new byte[Math.Max(bytes, 4)];
        Array.Fill(block, (byte)number);
        BinaryPrimitives.WriteInt32LittleEndian(block, number);
        order.Put(new FrameMeta { TimestampNs = timeNs, CapturedLength = block.Length }, block);
    }

    private static (long TimeNs, int Number) Read(in FrameMeta meta, ReadOnlySpan<byte> block)
    {
        var number = BinaryPrimitives.ReadInt32LittleEndian(block);
        Assert.Equal(meta.CapturedLength, block.Length);
        Assert.True(block[4..].IndexOfAnyExcept((byte)number) < 0, "a block was written over while it waited");
        return (meta.TimestampNs, number);
    }
}
