// Damage of any kind is told, never taken for rows; rows of older and newer versions are taken for what they are.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Store;

public class SpoolDecoderTests
{
    [Fact]
    public void EachTruncationIsTold()
    {
        var bytes = Sample();
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.False(SpoolDecoder.TryDecode(bytes.AsSpan(0, length), out var batch, out var fault));
            Assert.Null(batch);
            Assert.EndsWith(".", fault);
        }

        Assert.False(SpoolDecoder.TryDecode([.. bytes, 0], out _, out _));
    }

    [Fact]
    public void EachFlippedBitIsToldOrHarmless()
    {
        var bytes = Sample();
        Assert.True(SpoolDecoder.TryDecode(bytes, out var whole, out _));
        var accepted = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (SpoolDecoder.TryDecode(bytes, out var batch, out _))
            {
                // Only the zeros between sections are outside every checksum, and nobody reads them.
                accepted++;
                Assert.Equal(whole!.Flows, batch!.Flows);
                Assert.Equal(whole.Points, batch.Points);
            }

            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.InRange(accepted, 0, 7 * 8 * 2);
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(8)]
    [InlineData(64)]
    public void RowsOfOtherVersionsKeepTheirSharedFields(int difference)
    {
        var bytes = Resized(Sample(), difference, out var rowBytes);
        Assert.True(SpoolDecoder.TryDecode(bytes, out var batch, out var fault), fault);
        Assert.Equal([11UL, 12UL, 13UL], batch!.Flows.Select(f => f.FlowId));
        Assert.Equal(difference < 0 ? 0u : 99u, batch.Flows[2].Responder.CutFrames);
        Assert.True(rowBytes > 256);
    }

    [Fact]
    public void UnknownSectionsArePassedOver()
    {
        var bytes = Sample();
        for (var entry = SpoolLayout.SectionTableOffset; ; entry += SpoolLayout.SectionEntryBytes)
        {
            if (BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(entry)) == SpoolLayout.FlowsKind)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(entry), 777);
                break;
            }
        }

        Seal(bytes);
        Assert.True(SpoolDecoder.TryDecode(bytes, out var batch, out _));
        Assert.Empty(batch!.Flows);
        Assert.Equal("vnet0", batch.Points.Single().Name);
    }

    [Fact]
    public void HugeRowCountsAreRefusedBeforeMemoryIsAskedFor()
    {
        var bytes = Sample();
        var entry = bytes.AsSpan(SpoolLayout.SectionTableOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(entry, SpoolLayout.FlowsKind);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]));
        Seal(bytes);
        Assert.False(SpoolDecoder.TryDecode(bytes, out _, out var fault));
        Assert.Contains("does not fit", fault);
    }

    [Fact]
    public void ADamagedBatchIsSetAside()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["000000000001-0.batch"], Sample()[..600]);
        var reader = new SpoolReader(folder.Path);
        Assert.Equal(SpoolReadResult.Corrupt, reader.Read("000000000001-0.batch", out _, out var fault));
        Assert.StartsWith("The spool batch 000000000001-0.batch is damaged:", fault);
        Assert.True(reader.SetAside("000000000001-0.batch"));
        Assert.Empty(reader.List());
        Assert.True(File.Exists(folder["bad/000000000001-0.batch"]));
        Assert.Equal(SpoolReadResult.Gone, reader.Read("000000000001-0.batch", out _, out _));
        Assert.True(reader.Remove("000000000001-0.batch"));
    }

    [Fact]
    public void RowSizesAreThoseOfTheFormatDocument()
    {
        Assert.Equal(96, System.Runtime.CompilerServices.Unsafe.SizeOf<LedgerRecord>());
        Assert.Equal(144, System.Runtime.CompilerServices.Unsafe.SizeOf<MirrorLedgerRecord>());
        Assert.True(System.Runtime.CompilerServices.Unsafe.SizeOf<FlowRecord>() >= SpoolLayout.FlowRowBytesMin);
    }

    private static byte[] Sample()
    {
        using var buffer = new SpoolBuffer();
        for (var id = 11UL; id <= 13; id++)
        {
            var record = new FlowRecord { FlowId = id };
            record.Responder.CutFrames = 99;
            Assert.True(buffer.TryAdd(record));
        }

        Assert.True(buffer.TryAdd(new LedgerRecord { Point = 1, Arrived = 5 }));
        buffer.Names = new SpoolNames([new PointInfo(1, "vnet0", "vm_port", "br0", "web01", "id")], []);
        var file = new List<byte>(buffer.BuildHeader(new SpoolIdentity("n"u8.ToArray(), 42, 0, 1, 0)).ToArray());
        for (ushort kind = SpoolLayout.StringsKind; kind <= SpoolLayout.MirrorLedgerKind; kind++)
        {
            var section = buffer.Section(kind, out _);
            if (section.Length > 0)
            {
                file.AddRange(new byte[SpoolLayout.Align(file.Count) - file.Count]);
                file.AddRange(section.ToArray());
            }
        }

        return [.. file];
    }

    // The flows section moved to the end with rows longer or shorter by some bytes, as another version would write it.
    private static byte[] Resized(byte[] bytes, int difference, out int rowBytes)
    {
        var entryOffset = SpoolLayout.SectionTableOffset;
        while (BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(entryOffset)) != SpoolLayout.FlowsKind)
        {
            entryOffset += SpoolLayout.SectionEntryBytes;
        }

        var entry = bytes.AsSpan(entryOffset);
        var oldBytes = (int)BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        var rows = (int)BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
        var offset = (int)BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]);
        rowBytes = oldBytes + difference;
        var section = new byte[rows * rowBytes];
        for (var row = 0; row < rows; row++)
        {
            var source = bytes.AsSpan(offset + (row * oldBytes), Math.Min(oldBytes, rowBytes)).ToArray();

            // The record's last 16 bytes are spare; a shorter row must reach into the last field to be seen.
            if (difference < 0)
            {
                source.AsSpan(^24..).Clear();
            }

            source.CopyTo(section, row * rowBytes);
        }

        var start = SpoolLayout.Align(bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)rowBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], Crc32C.Compute(section));
        BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)start);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[20..], (uint)section.Length);
        byte[] result = [.. bytes, .. new byte[start - bytes.Length], .. section];
        BinaryPrimitives.WriteInt64LittleEndian(result.AsSpan(48), result.Length);
        Seal(result);
        return result;
    }

    private static void Seal(byte[] bytes)
    {
        bytes.AsSpan(SpoolLayout.CrcOffset, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(
            bytes.AsSpan(SpoolLayout.CrcOffset), Crc32C.Compute(bytes.AsSpan(0, SpoolLayout.HeaderBytes)));
    }
}
