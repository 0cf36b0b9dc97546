// Classic capture files (draft-ietf-opsawg-pcap): a header of 24 bytes, then records of 16 + length. Both byte orders,
// microseconds and nanoseconds, the modified format of Alexey Kuznetzov's patch (24-byte record headers), and the field
// order of versions before 2.3, which had the two lengths the other way round.
using System.Buffers.Binary;
using System.Globalization;
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>Walks classic pcap records.</summary>
internal sealed unsafe class PcapWalker : RecordWalker
{
    public const int HeaderBytes = 24;
    private const uint MagicMicroseconds = 0xA1B2C3D4;
    private const uint MagicNanoseconds = 0xA1B23C4D;
    private const uint MagicModified = 0xA1B2CD34;
    private const int RecordHeader = 16;
    private const int ModifiedRecordHeader = 24;

    private readonly bool _swapped;
    private readonly bool _lengthsSwapped;
    private readonly int _recordHeader;
    private readonly uint _fractionNs;
    private readonly int _fcsBytes;
    private readonly LinkType _linkType;
    private readonly ushort _pointId;

    private PcapWalker(uint magic, bool swapped, ReadOnlySpan<byte> header, ushort pointId)
    {
        _swapped = swapped;
        _recordHeader = magic == MagicModified ? ModifiedRecordHeader : RecordHeader;
        _fractionNs = magic == MagicNanoseconds ? 1u : 1000u;
        var minor = Read16(header[6..]);
        _lengthsSwapped = minor < 3;
        SnapLength = Read32(header[16..]);

        // The upper half of the link type field may hold the length of the FCS in 16-bit words (bit 26: present).
        var network = Read32(header[20..]);
        _linkType = (LinkType)(ushort)network;
        _fcsBytes = (network & 0x0400_0000) != 0 ? (int)(network >> 28) * 2 : 0;
        _pointId = pointId;
    }

    public uint SnapLength { get; }

    public override string RecordNoun => "record";

    /// <summary>The interface that the header describes.</summary>
    public FileInterface Interface(string name) => new()
    {
        PointId = _pointId,
        Name = name,
        LinkType = _linkType,
        SnapLength = SnapLength,
        TicksPerSecond = _fractionNs == 1 ? 1_000_000_000u : 1_000_000u,
        FcsBytes = _fcsBytes,
    };

    /// <summary>True when the first four bytes are a classic file's.</summary>
    public static bool Recognises(ReadOnlySpan<byte> start) => TryMagic(start, out _, out _);

    /// <summary>Reads the header; null with a sentence when its version is not one that can be read.</summary>
    public static PcapWalker? Create(ReadOnlySpan<byte> header, ushort pointId, out string fault)
    {
        Invariant.Check(header.Length >= HeaderBytes);
        var known = TryMagic(header, out var magic, out var swapped);
        Invariant.Check(known);
        var walker = new PcapWalker(magic, swapped, header, pointId);
        var major = walker.Read16(header[4..]);
        var minor = walker.Read16(header[6..]);
        if (major != 2)
        {
            fault = string.Create(CultureInfo.InvariantCulture,
                $"pcap version {major}.{minor} is not known; version 2.4 is what programs write today.");
            return null;
        }

        fault = "";
        return walker;
    }

    public override WalkResult Walk(FrameBlock block, int length, long fileOffset, ref long position)
    {
        var start = block.Start;
        var at = (int)position;
        while (true)
        {
            position = at;
            if (length - at < _recordHeader)
            {
                return WalkResult.NeedMore;
            }

            if (block.IsFull)
            {
                return WalkResult.BlockFull;
            }

            var record = (uint*)(start + at);
            var seconds = record[0];
            var fraction = record[1];
            var captured = record[2];
            var original = record[3];
            if (_swapped)
            {
                seconds = BinaryPrimitives.ReverseEndianness(seconds);
                fraction = BinaryPrimitives.ReverseEndianness(fraction);
                captured = BinaryPrimitives.ReverseEndianness(captured);
                original = BinaryPrimitives.ReverseEndianness(original);
            }

            if (_lengthsSwapped)
            {
                (captured, original) = (original, captured);
            }

            if (captured > Limits.FrameBytesMax)
            {
                return Corrupt(string.Create(CultureInfo.InvariantCulture,
                    $"a record claims {captured} captured bytes, more than a frame's {Limits.FrameBytesMax} at most"));
            }

            if (length - at - _recordHeader < (int)captured)
            {
                return WalkResult.NeedMore;
            }

            ref var meta = ref block.Add(at + _recordHeader);
            meta = default;
            meta.TimestampNs = (seconds * 1_000_000_000L) + ((long)fraction * _fractionNs);
            meta.PointId = _pointId;
            meta.LinkType = _linkType;
            meta.FrameNumber = ++Frames;
            meta.SourceOffset = fileOffset + at;
            FrameLengths.Set(ref meta, (int)captured, original, _fcsBytes);
            at += _recordHeader + (int)captured;
        }
    }

    private static bool TryMagic(ReadOnlySpan<byte> start, out uint magic, out bool swapped)
    {
        magic = BinaryPrimitives.ReadUInt32LittleEndian(start);
        swapped = false;
        if (magic is MagicMicroseconds or MagicNanoseconds or MagicModified)
        {
            return true;
        }

        magic = BinaryPrimitives.ReverseEndianness(magic);
        swapped = true;
        return magic is MagicMicroseconds or MagicNanoseconds or MagicModified;
    }

    private uint Read32(ReadOnlySpan<byte> at) => _swapped
        ? BinaryPrimitives.ReadUInt32BigEndian(at)
        : BinaryPrimitives.ReadUInt32LittleEndian(at);

    private ushort Read16(ReadOnlySpan<byte> at) => _swapped
        ? BinaryPrimitives.ReadUInt16BigEndian(at)
        : BinaryPrimitives.ReadUInt16LittleEndian(at);
}
