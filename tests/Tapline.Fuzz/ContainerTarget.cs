// Containers of hostile bytes: the first byte chooses between a bare block of LZ4, a file as it is, and a file whose checksums were put
// right, so that what lies behind them is reached. Oracle: only ContainerException; what is read does not depend on how; no more
// content than its blocks can hold; a row of the table that is believed lies in the file.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record.Container;

namespace Tapline.Fuzz;

/// <summary>Fuzzes the reader of containers.</summary>
public sealed class ContainerTarget : IFuzzTarget
{
    private const int Kinds = 3;
    private const int CrcOffset = 60;
    private readonly string _path = Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"tapline-fuzz-{Environment.ProcessId}.tlz");

    private readonly byte[] _unpacked = new byte[BlockHeader.PlainBytesMax];

    public string Name => "container";

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        [0, .. Packed()],
        [1, .. Make(SegmentCompression.Lz4, 3)],
        [2, .. Make(SegmentCompression.Lz4, 5)],
        [2, .. Make(SegmentCompression.None, 2)],
        [2, .. Make(SegmentCompression.Lz4, 4).AsSpan(0, 300)],
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        var kind = input[0] % Kinds;
        var bytes = input[1..].ToArray();
        if (kind == 0)
        {
            _ = Lz4Decoder.TryDecode(bytes, _unpacked);
            _ = Lz4Decoder.TryDecode(bytes, _unpacked.AsSpan(0, Math.Min(bytes.Length, 100)));
            return;
        }

        if (kind == 2)
        {
            Reseal(bytes);
        }

        File.WriteAllBytes(_path, bytes);
        var whole = Read(1 << 20, out var wholeFault);
        var crumbs = Read(777, out var crumbsFault);
        Must(whole.AsSpan().SequenceEqual(crumbs) && wholeFault == crumbsFault, "reading at once and in crumbs is the same");
        Must(whole.Length <= (bytes.Length / BlockHeader.Bytes) * BlockHeader.PlainBytesMax, "content is bounded by its blocks");
    }

    public void Dispose() => File.Delete(_path);

    private byte[] Read(int windowBytes, out string? fault)
    {
        using var content = new MemoryStream();
        fault = null;
        try
        {
            using var input = SegmentInput.Open(_path);
            var rows = input.Container is { } container ? container.Blocks.Rows : [];
            var length = new FileInfo(_path).Length;
            foreach (var row in rows)
            {
                Must(row.FileOffset >= ContainerHeader.Bytes && row.FileOffset < length && row.LogicalOffset >= 0, "rows lie in the file");
            }

            var window = new byte[windowBytes];
            while (input.Read(window, content.Length) is > 0 and var read)
            {
                content.Write(window, 0, read);
            }
        }
        catch (ContainerException e)
        {
            fault = e.Message;
        }

        return content.ToArray();
    }

    // Checksums of the header, of each block that is found from the start on, and of the trailer.
    private static void Reseal(Span<byte> file)
    {
        var at = 0;
        while (file.Length - at >= BlockHeader.Bytes)
        {
            var header = file.Slice(at, BlockHeader.Bytes);
            var isBlock = at > 0;
            var stored = isBlock ? BinaryPrimitives.ReadInt32LittleEndian(header[20..]) : 0;
            stored = Math.Clamp(stored, 0, file.Length - at - BlockHeader.Bytes);
            if (isBlock)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(header[36..], Crc32C.Compute(file.Slice(at + BlockHeader.Bytes, stored)));
            }

            BinaryPrimitives.WriteUInt32LittleEndian(header[CrcOffset..], Crc32C.Compute(header[..CrcOffset]));
            at += BlockHeader.Bytes + stored;
            if (file.Length - at == ContainerTrailer.Bytes)
            {
                var trailer = file[at..];
                BinaryPrimitives.WriteUInt32LittleEndian(trailer[28..], Crc32C.Compute(trailer[..28]));
            }
        }
    }

    private static byte[] Packed()
    {
        var plain = new byte[300];
        "one and one and one"u8.CopyTo(plain.AsSpan(40));
        var packed = new byte[300];
        return packed[..new Lz4Encoder().Encode(plain, packed)];
    }

    private static byte[] Make(SegmentCompression compression, int blocks)
    {
        using var file = new MemoryStream();
        using var encoder = new ContainerEncoder(compression, null);
        var room = new byte[2 * ContainerEncoder.BlockRoom];
        file.Write(room, 0, encoder.Begin(room));
        for (var block = 1; block <= blocks; block++)
        {
            var plain = new byte[block * 70];
            "abc"u8.CopyTo(plain.AsSpan(block));
            file.Write(room, 0, encoder.AddBlock(plain, room));
        }

        file.Write(room, 0, encoder.Finish(room));
        return file.ToArray();
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
