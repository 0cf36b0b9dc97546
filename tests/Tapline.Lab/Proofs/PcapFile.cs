// Capture files as tcpdump writes them, read and written without the product's own code: a 24-byte file header with the
// nanosecond magic, then 16 bytes before each frame, in this machine's byte order. In: a path. Out: frames. Any thread.
using System.Buffers.Binary;

namespace Tapline.Lab.Proofs;

/// <summary>A frame and the time at which the kernel saw it.</summary>
internal readonly record struct TimedFrame(long TimeNs, byte[] Bytes);

/// <summary>Classic pcap with nanoseconds.</summary>
internal static class PcapFile
{
    private const uint NanosecondMagic = 0xA1B23C4D;
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const int SnapLength = 262144;
    private const long SecondNs = 1_000_000_000;

    /// <summary>All whole records; a last one that is still being written is left out.</summary>
    public static List<TimedFrame> Read(string path)
    {
        var file = ReadShared(path);
        var frames = new List<TimedFrame>();
        foreach (var (at, length) in Records(file))
        {
            var captured = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 8));
            var original = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 12));
            if (captured != original)
            {
                throw new InvalidDataException($"{path}: the witness cut a frame of {original} bytes");
            }

            var time = (BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at)) * SecondNs)
                + BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 4));
            frames.Add(new TimedFrame(time, file.AsSpan(at + RecordHeaderBytes, length).ToArray()));
        }

        return frames;
    }

    /// <summary>Whole records so far.</summary>
    public static int Count(string path) => Records(ReadShared(path)).Count();

    public static void Write(string path, IEnumerable<TimedFrame> frames)
    {
        using var file = new BinaryWriter(File.Create(path));
        foreach (var word in (uint[])[NanosecondMagic, 0x0004_0002, 0, 0, SnapLength, 1])
        {
            file.Write(word);
        }

        foreach (var (timeNs, bytes) in frames)
        {
            file.Write((uint)(timeNs / SecondNs));
            file.Write((uint)(timeNs % SecondNs));
            file.Write(bytes.Length);
            file.Write(bytes.Length);
            file.Write(bytes);
        }
    }

    private static IEnumerable<(int At, int Length)> Records(byte[] file)
    {
        if (file.Length >= FileHeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(file) != NanosecondMagic)
        {
            throw new InvalidDataException("no capture with nanoseconds in this machine's byte order");
        }

        var at = FileHeaderBytes;
        while (at + RecordHeaderBytes <= file.Length)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 8));
            if (at + RecordHeaderBytes + length > file.Length)
            {
                yield break;
            }

            yield return (at, length);
            at += RecordHeaderBytes + length;
        }
    }

    private static byte[] ReadShared(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
