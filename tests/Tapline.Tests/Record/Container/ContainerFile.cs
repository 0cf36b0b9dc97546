// Containers made and taken apart for tests.
using System.Buffers.Binary;
using Tapline.Record.Container;

namespace Tapline.Tests.Record.Container;

/// <summary>Makes and reads whole containers.</summary>
internal static class ContainerFile
{
    /// <summary>Writes content into a container, a block ending after each part.</summary>
    public static void Write(string path, SegmentCompression compression, SegmentKey? key, params IEnumerable<byte[]> parts)
    {
        using var file = File.Create(path);
        using var encoder = new ContainerEncoder(compression, key);
        var room = new byte[2 * ContainerEncoder.BlockRoom];
        file.Write(room, 0, encoder.Begin(room));
        foreach (var part in parts)
        {
            foreach (var block in part.Chunk(BlockHeader.PlainBytesMax))
            {
                file.Write(room, 0, encoder.AddBlock(block, room));
            }
        }

        while (!encoder.IsFinished)
        {
            file.Write(room, 0, encoder.Finish(room));
        }
    }

    /// <summary>The content as far as it can be read; why it ends there where that is not its end.</summary>
    public static byte[] Read(string path, out string? fault)
    {
        fault = null;
        var content = new MemoryStream();
        try
        {
            using var input = SegmentInput.Open(path);
            var window = new byte[100_000];
            while (input.Read(window, content.Length) is > 0 and var bytes)
            {
                content.Write(window, 0, bytes);
            }

            fault = input.Container is { IsFinished: false } ? "it is not finished" : null;
        }
        catch (ContainerException e)
        {
            fault = e.Message;
        }

        return content.ToArray();
    }

    /// <summary>Where blocks begin, the table's included, and their nonces.</summary>
    public static List<(int Offset, int Bytes, string Nonce)> Blocks(byte[] file)
    {
        var blocks = new List<(int, int, string)>();
        var at = ContainerHeader.Bytes;
        while (at < file.Length && BlockHeader.TryParse(file.AsSpan(at), out var header))
        {
            var nonce = new byte[BlockHeader.NonceBytes];
            BlockHeader.Nonce(file.AsSpan(at), nonce);
            blocks.Add((at, BlockHeader.Bytes + header.StoredBytes, Convert.ToHexString(nonce)));
            at += BlockHeader.Bytes + header.StoredBytes;
        }

        return blocks;
    }

    /// <summary>The header's salt, which with a nonce makes a block unique.</summary>
    public static string Salt(byte[] file) => Convert.ToHexString(file, 16, ContainerHeader.SaltBytes);

    /// <summary>Puts a header's checksum right after a change.</summary>
    public static void Seal(Span<byte> header) =>
        BinaryPrimitives.WriteUInt32LittleEndian(header[60..], Tapline.Base.Crc32C.Compute(header[..60]));
}
