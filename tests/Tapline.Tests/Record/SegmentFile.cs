// Segments as an independent eye sees them: a plain walk over pcapng blocks with nothing of the product's writer, and
// the product's own file reader beside it.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Record;

/// <summary>One frame read back.</summary>
internal sealed record ReadFrame(long TimestampNs, string Interface, int OriginalLength, LinkType LinkType, byte[] Bytes);

/// <summary>Reads whole segments for tests.</summary>
internal static class SegmentFile
{
    /// <summary>All blocks as (type, body); fails the test on any irregularity.</summary>
    public static List<(uint Type, byte[] Body)> Blocks(string path)
    {
        var bytes = Content(path);
        var blocks = new List<(uint, byte[])>();
        var at = 0;
        while (at < bytes.Length)
        {
            var type = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 4));
            Assert.True(length >= 12 && length % 4 == 0 && at + length <= bytes.Length, $"{path}: block at {at}");
            Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + length - 4)));
            blocks.Add((type, bytes[(at + 8)..(at + length - 4)]));
            at += length;
        }

        return blocks;
    }

    /// <summary>The bytes of a segment, unpacked where it is a container.</summary>
    public static byte[] Content(string path)
    {
        using var input = SegmentInput.Open(path);
        var bytes = new byte[input.Length];
        for (var at = 0; at < bytes.Length;)
        {
            var read = input.Read(bytes.AsSpan(at), at);
            Assert.True(read > 0, $"{path} ends at {at}");
            at += read;
        }

        return bytes;
    }

    /// <summary>The ledger that ends the file.</summary>
    public static LedgerBlockRow[] Ledger(string path, out uint flags)
    {
        var (type, body) = Blocks(path)[^1];
        Assert.Equal(LedgerBlock.Type, type);
        Assert.True(LedgerBlock.TryRead(body, out var rows, out flags, out var start, out var end));
        Assert.True(end >= start);
        return rows;
    }

    /// <summary>The frames by the product's own reader, which must find no fault.</summary>
    public static List<ReadFrame> Frames(string path)
    {
        var reader = RecordedFiles.Open(path, 0, out var error);
        Assert.True(reader is not null, error);
        using var source = new CaptureFileSource(reader);
        var frames = new List<ReadFrame>();
        var batch = new FrameBatch();
        while (source.Lease(batch, 1000) == LeaseResult.Frames)
        {
            for (var index = 0; index < batch.Count; index++)
            {
                var meta = batch.Meta(index);
                frames.Add(new ReadFrame(
                    meta.TimestampNs,
                    source.Reader.Interfaces.Single(i => i.PointId == meta.PointId).Name,
                    meta.OriginalLength,
                    meta.LinkType,
                    batch.Bytes(index).ToArray()));
            }

            source.Release(batch);
        }

        Assert.Null(source.Fault);
        return frames;
    }
}
