// A session into files: whole files whatever happens, nothing lost without a count, nothing of others touched.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;
using Tapline.Mirror.Streams;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

public class FileStreamTests
{
    private const uint Section = 0x0A0D0D0A;

    [Fact]
    public void AFileHoldsWhatWasOffered()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["a.pcapng"]}", points: new NamedPoints(), expression: "tcp port 80");
        for (var i = 0; i < 1000; i++)
        {
            stream.Offer(bytes: 60 + (i % 1400), point: (ushort)(1 + (i % 3)), worker: i % 2);
        }

        stream.Finish();
        Assert.Equal(1000, stream.Sum(c => c.Sent));
        var frames = SegmentFile.Frames(folder["a.pcapng"]);
        var expected = stream.Offered.ToDictionary(o => o.TimestampNs);
        Assert.Equal(1000, frames.Count);
        Assert.All(frames, f =>
        {
            Assert.True(expected.Remove(f.TimestampNs, out var was));
            Assert.Equal(was.Bytes, f.Bytes);
            Assert.Equal(($"vnet{was.Point}", was.Bytes.Length, LinkType.Ethernet), (f.Interface, f.OriginalLength, f.LinkType));
        });
        var blocks = SegmentFile.Blocks(folder["a.pcapng"]);
        Assert.Equal([5u, 5u, 5u], blocks.Skip(blocks.Count - 3).Select(b => b.Type));
        Assert.Equal((334, 0), Statistics(blocks, 0));
        Assert.Contains(blocks, b => b.Type == 1 && b.Body.AsSpan().IndexOf("tcp port 80"u8) > 0);
    }

    [Fact]
    public void TheFileUnderWayCanBeRead()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["a.pcapng"]}");
        stream.Offer();
        stream.Offer();
        stream.Drain();
        Assert.Equal(2, SegmentFile.Frames(folder["a.pcapng"]).Count);
        stream.Finish();
    }

    [Fact]
    public void RotationByFramesIsExactAndTheOldestFilesGo()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["r_00000_others.pcapng"], "not ours");
        using var stream = new StreamFixture($"file:{folder["r.pcapng"]}?rotate=100f&files=3");
        for (var i = 0; i < 1050; i++)
        {
            stream.Offer();
        }

        stream.Finish();
        Assert.Equal(1050, stream.Sum(c => c.Sent));
        Assert.Equal(4, folder.Names.Length);
        Assert.Equal([9, 10, 11], folder.Names.Skip(1).Select(n => int.Parse(n.Split('_')[1], null)));
        Assert.All(folder.Names.Skip(1), n => Assert.Matches(@"^r_\d{5}_\d{14}\.pcapng$", n));
        var kept = folder.Names.Skip(1).SelectMany(n => SegmentFile.Frames(folder[n])).ToList();
        Assert.Equal(stream.Offered.Skip(800).Select(o => o.Bytes), kept.Select(f => f.Bytes));
    }

    [Fact]
    public void EveryLossIsStatedByExactlyOneFile()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["r"]}?rotate=10f");

        // No super-frame can have these facts, so it cannot leave as a wire would carry it.
        var impossible = new FrameMeta
        {
            CapturedLength = 60, OriginalLength = 60, PointId = 1, LinkType = LinkType.Ethernet, GsoType = GsoType.Tcpv4, GsoSize = 10,
        };
        for (var i = 0; i < 55; i++)
        {
            stream.Offer();
            stream.Offer(impossible, new byte[60], worker: 1);
            if (i % 4 == 0)
            {
                stream.Drain();
            }
        }

        stream.Finish();
        Assert.Equal((55, 55), (stream.Sum(c => c.Sent), stream.Sum(c => c.DroppedError)));
        var told = folder.Names.Select(n => Statistics(SegmentFile.Blocks(folder[n]), 0)).ToList();
        Assert.Equal((6, 55, 110), (told.Count, told.Sum(t => t.Dropped), told.Sum(t => t.Received)));
    }

    [Fact]
    public void WhatTheRingsLostOfThePointsIsStated()
    {
        using var folder = new TemporaryFolder();
        var points = new NamedPoints();
        using var stream = new StreamFixture($"file:{folder["a"]}", points: points);
        stream.Offer(point: 1);
        stream.Drain();
        points.Dropped = 7;
        stream.Finish();
        var blocks = SegmentFile.Blocks(folder["a"]);
        Assert.Equal((8, 7), Statistics(blocks, 0));
        Assert.Single(blocks, b => b.Type == 5);
    }

    [Fact]
    public void RotationBySizeKeepsFilesWhole()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["r"]}?rotate=64KiB");
        for (var i = 0; i < 2000; i++)
        {
            stream.Offer(bytes: 1000);
            if (i % 10 == 0)
            {
                stream.Drain();
            }
        }

        stream.Finish();
        Assert.InRange(folder.Names.Length, 20, 40);
        Assert.Equal(2000, folder.Names.Sum(n => SegmentFile.Frames(folder[n]).Count));
        Assert.All(folder.Names, n => Assert.Equal(Section, SegmentFile.Blocks(folder[n])[0].Type));
    }

    [Fact]
    public void AFullDiskIsAStateWithAReasonAndAnEnd()
    {
        using var folder = new TemporaryFolder();
        var disk = new FaultyDisk();
        using var stream = new StreamFixture($"file:{folder["a.pcapng"]}", disk);
        Offer(stream, 100);
        stream.Drain();
        disk.WriteError = NativeFile.ENOSPC;
        Offer(stream, 50);
        Assert.True(Await.Until(() => !stream.IsUp));
        Assert.Contains("no space left on the device", stream.WhyDown, StringComparison.Ordinal);
        Offer(stream, 50);
        Assert.True(stream.Sum(c => c.DroppedTargetDown) >= 50);
        disk.WriteError = 0;
        Assert.True(Await.Until(() => stream.IsUp));
        Assert.Null(stream.WhyDown);
        Offer(stream, 100);
        stream.Finish();
        Assert.Equal((300, 200, 100), (stream.Sum(c => c.Offered), stream.Sum(c => c.Sent), stream.Sum(c => c.DroppedTargetDown)));
        Assert.Equal(200, SegmentFile.Frames(folder["a.pcapng"]).Count);
        var blocks = SegmentFile.Blocks(folder["a.pcapng"]);
        Assert.Equal((300, 100), Statistics(blocks, 0));
    }

    [Fact]
    public void ShortWritesAreCompleted()
    {
        using var folder = new TemporaryFolder();
        var disk = new FaultyDisk { ShortWriteBytes = 1000 };
        using var stream = new StreamFixture($"file:{folder["a.pcapng"]}", disk);
        Offer(stream, 500);
        stream.Finish();
        Assert.Equal(500, SegmentFile.Frames(folder["a.pcapng"]).Count);
    }

    [Fact]
    public void ADiskThatHangsHoldsUpNobodyAndEndsInCounts()
    {
        using var folder = new TemporaryFolder();
        var disk = new FaultyDisk();
        using var stream = new StreamFixture($"file:{folder["a.pcapng"]}", disk);
        disk.Gate.Reset();
        for (var i = 0; i < 40_000; i++)
        {
            stream.Offer(bytes: 1500);
        }

        Assert.True(stream.Sum(c => c.DroppedBusy) > 0);
        disk.Gate.Set();
        stream.Finish();
        Assert.Equal(40_000, stream.Sum(c => c.Offered));
        Assert.Equal(stream.Sum(c => c.Sent), SegmentFile.Frames(folder["a.pcapng"]).Count);
        Assert.Equal((40_000, (int)stream.Sum(c => c.DroppedBusy)), Statistics(SegmentFile.Blocks(folder["a.pcapng"]), 0));
    }

    [Fact]
    public void WhatIsThereIsNotTouchedUnlessAskedFor()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["a"], new string('x', 10_000));
        Assert.Contains("is there already", StreamFixture.Refusal($"file:{folder["a"]}"), StringComparison.Ordinal);
        Assert.Equal(10_000, new FileInfo(folder["a"]).Length);
        Assert.Contains("no folder", StreamFixture.Refusal($"file:{folder["none/a"]}"), StringComparison.Ordinal);
        File.CreateSymbolicLink(folder["link"], folder["a"]);
        Assert.Contains("symbolic link", StreamFixture.Refusal($"file:{folder["link"]}?overwrite"), StringComparison.Ordinal);
        using var stream = new StreamFixture($"file:{folder["a"]}?overwrite");
        stream.Offer();
        stream.Drain();
        Assert.Contains("Another session writes", StreamFixture.Refusal($"file:{folder["a"]}?overwrite"), StringComparison.Ordinal);
        stream.Finish();
        Assert.Single(SegmentFile.Frames(folder["a"]));
    }

    [Fact]
    public void SuperFramesAreSegmentsOrWholeAsAskedFor()
    {
        using var folder = new TemporaryFolder();
        var super = new SuperFrame { SegmentBytes = 1448, Payload = new byte[20_000] }.Build();
        var meta = super.Meta with { PointId = 1, TimestampNs = StreamFixture.Start };
        using (var wire = new StreamFixture($"file:{folder["wire"]}"))
        {
            wire.Offer(meta, super.Bytes);
            wire.Finish();
            Assert.Equal((1, 14), (wire.Sum(c => c.Sent), wire.Sum(c => c.SentWireFrames)));
        }

        using (var captured = new StreamFixture($"file:{folder["captured"]}?frames=captured"))
        {
            captured.Offer(meta, super.Bytes);
            captured.Finish();
        }

        Assert.Equal(20_000, SegmentFile.Frames(folder["wire"]).Sum(f => WireCheck.Verify(f.Bytes).Payload.Length));
        Assert.Equal(super.Bytes, Assert.Single(SegmentFile.Frames(folder["captured"])).Bytes);
    }

    [Fact]
    public void CutFramesAndOtherLinkTypesLeaveAsTheyAre()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["a"]}");
        var meta = new FrameMeta { CapturedLength = 40, OriginalLength = 1000, PointId = 1, LinkType = LinkType.Raw };
        stream.Offer(meta, new byte[40]);
        stream.Offer(meta with { LinkType = LinkType.Ethernet, PointId = 2, Flags = FrameFlags.Cut }, new byte[40]);
        stream.Finish();
        Assert.Equal(
            [(LinkType.Raw, 40, 1000), (LinkType.Ethernet, 40, 1000)],
            SegmentFile.Frames(folder["a"]).Select(f => (f.LinkType, f.Bytes.Length, f.OriginalLength)));
    }

    [Fact]
    public void AWorkerAllocatesNothingPerFrame()
    {
        using var folder = new TemporaryFolder();
        using var stream = new StreamFixture($"file:{folder["a"]}");
        var session = stream.Session(0);
        var frame = new byte[60];
        var meta = new FrameMeta { CapturedLength = 60, OriginalLength = 60, PointId = 1, LinkType = LinkType.Ethernet };
        FrameDecoder.Decode(frame, meta, out var layout);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                session.Offer(meta, layout, frame);
                if (i % 256 == 0)
                {
                    session.EndBatch();
                }
            }
        }));
        Assert.True(session.Counters.Sent > 0);
        stream.Finish();
    }

    private static void Offer(StreamFixture stream, int count)
    {
        for (var i = 0; i < count; i++)
        {
            stream.Offer();
        }

        stream.EndBatch();
    }

    /// <summary>isb_ifrecv and isb_ifdrop of an interface.</summary>
    private static (int Received, int Dropped) Statistics(List<(uint Type, byte[] Body)> blocks, uint number)
    {
        var body = blocks.Single(b => b.Type == 5 && BinaryPrimitives.ReadUInt32LittleEndian(b.Body) == number).Body;
        return (Option(4), Option(5));

        int Option(int code)
        {
            for (var at = 12; at < body.Length; at += 4 + ((BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(at + 2)) + 3) & ~3))
            {
                if (BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(at)) == code)
                {
                    return (int)BinaryPrimitives.ReadInt64LittleEndian(body.AsSpan(at + 4));
                }
            }

            return -1;
        }
    }

    private sealed class NamedPoints : IStreamPoints
    {
        public int Generation => 1;

        public StreamPoint? Find(ushort pointId) => new($"vnet{pointId}", $"VM web0{pointId} (uuid-{pointId}), vm_port on br0");

        /// <summary>Of every point.</summary>
        public long Dropped { get; set; }

        public long DroppedBefore(ushort pointId) => Dropped;
    }
}
