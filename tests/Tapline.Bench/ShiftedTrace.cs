// A capture written again and again with other addresses at later times: what a large store of many conversations is made of.
// In: a classic pcap file of Ethernet frames, little-endian. Out: copies of its records, the second octet of IPv4 addresses
// exchanged by the copy's number and each time moved on by the capture's length. Header checksums are put right.
using System.Buffers.Binary;

namespace Tapline.Bench;

/// <summary>Copies of one capture.</summary>
internal sealed class ShiftedTrace
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const uint Magic = 0xA1B2C3D4;
    private const uint MagicNs = 0xA1B23C4D;
    private readonly byte[] _bytes;
    private readonly uint _spanSeconds;

    public ShiftedTrace(string path)
    {
        _bytes = File.ReadAllBytes(path);
        var magic = BinaryPrimitives.ReadUInt32LittleEndian(_bytes);
        if (magic is not (Magic or MagicNs))
        {
            throw new InvalidDataException($"{path} is no little-endian pcap file; editcap -F pcap makes one.");
        }

        var (first, last) = (uint.MaxValue, 0u);
        for (var at = FileHeaderBytes; at < _bytes.Length; at += RecordHeaderBytes + Captured(at))
        {
            var seconds = BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at));
            (first, last) = (Math.Min(first, seconds), Math.Max(last, seconds));
        }

        _spanSeconds = last - first + 1;
    }

    /// <summary>The <paramref name="count"/> MAC addresses that sent most frames.</summary>
    public ulong[] BusiestMacs(int count)
    {
        var frames = new Dictionary<ulong, int>();
        for (var at = FileHeaderBytes; at < _bytes.Length; at += RecordHeaderBytes + Captured(at))
        {
            var source = _bytes.AsSpan(at + RecordHeaderBytes + 6);
            var mac = ((ulong)BinaryPrimitives.ReadUInt16BigEndian(source) << 32) | BinaryPrimitives.ReadUInt32BigEndian(source[2..]);
            frames[mac] = frames.GetValueOrDefault(mac) + 1;
        }

        return [.. frames.OrderByDescending(f => f.Value).ThenBy(f => f.Key).Take(count).Select(f => f.Key)];
    }

    /// <summary>Writes one copy.</summary>
    /// <param name="target">The file.</param>
    /// <param name="copy">Its number from 0, which is the capture itself.</param>
    /// <param name="withHeader">Begins with the file's header.</param>
    public void Write(Stream target, int copy, bool withHeader)
    {
        if (withHeader)
        {
            target.Write(_bytes, 0, FileHeaderBytes);
        }

        var record = new byte[1 << 18];
        for (var at = FileHeaderBytes; at < _bytes.Length; at += RecordHeaderBytes + Captured(at))
        {
            var length = RecordHeaderBytes + Captured(at);
            var bytes = record.AsSpan(0, length);
            _bytes.AsSpan(at, length).CopyTo(bytes);
            BinaryPrimitives.WriteUInt32LittleEndian(
                bytes, BinaryPrimitives.ReadUInt32LittleEndian(bytes) + ((uint)copy * _spanSeconds));
            Shift(bytes[RecordHeaderBytes..], (byte)copy);
            target.Write(bytes);
        }
    }

    private int Captured(int at) => BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 8));

    // Outermost IPv4 header behind VLAN tags (RFC 791): source at 12, destination at 16, checksum at 10.
    private static void Shift(Span<byte> frame, byte by)
    {
        var at = 12;
        while (at + 6 <= frame.Length && BinaryPrimitives.ReadUInt16BigEndian(frame[at..]) is 0x8100 or 0x88a8)
        {
            at += 4;
        }

        at += 2;
        if (by == 0 || at + 20 > frame.Length || BinaryPrimitives.ReadUInt16BigEndian(frame[(at - 2)..]) != 0x0800)
        {
            return;
        }

        var header = frame[at..];
        header[13] ^= by;
        header[17] ^= by;
        var bytes = (header[0] & 0xf) * 4;
        if (bytes < 20 || bytes > header.Length)
        {
            return;
        }

        header[10..12].Clear();
        uint sum = 0;
        for (var i = 0; i < bytes; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], (ushort)~(sum + (sum >> 16)));
    }
}
