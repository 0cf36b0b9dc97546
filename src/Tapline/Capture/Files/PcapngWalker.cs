// pcapng (draft-ietf-opsawg-pcapng): blocks of type, length, body, length again. Sections may change the byte order and
// begin their interfaces anew. Frames come from enhanced, simple and obsolete packet blocks; interface blocks describe
// them; every other block (names, statistics, secrets, journal, custom) is stepped over, however long it is, without
// being held in memory.
//
//   0 type | 4 total length | 8 body, padded to 4 | total length - 4: total length again
using System.Buffers.Binary;
using System.Globalization;
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>Walks pcapng blocks.</summary>
internal sealed unsafe class PcapngWalker(InterfaceList interfaces) : RecordWalker
{
    private const uint SectionHeader = 0x0A0D0D0A;
    private const uint InterfaceDescription = 1;
    private const uint ObsoletePacket = 2;
    private const uint SimplePacket = 3;
    private const uint EnhancedPacket = 6;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const int BlockOverhead = 12;
    private const int PacketHeader = 28;
    private const int SimpleHeader = 12;

    private PcapngInterface[] _current = new PcapngInterface[4];
    private int _currentCount;
    private int _section = -1;
    private bool _swapped;
    private long _lastTimestampNs;

    public override string RecordNoun => "block";

    public override WalkResult Walk(FrameBlock block, int length, long fileOffset, ref long position)
    {
        while (true)
        {
            if (length - position < BlockOverhead)
            {
                return WalkResult.NeedMore;
            }

            if (block.IsFull)
            {
                return WalkResult.BlockFull;
            }

            var at = (int)position;
            var start = block.Start + at;
            var type = Read32(start);
            if (type == SectionHeader && !TryByteOrder(start + 8))
            {
                return Corrupt("a section header without a byte-order magic");
            }

            var total = Read32(start + 4);
            if (total < BlockOverhead || (total & 3) != 0)
            {
                return Corrupt(string.Create(CultureInfo.InvariantCulture,
                    $"a block of type 0x{type:X8} claims a length of {total} bytes, which no block can have"));
            }

            if (!IsHeld(type))
            {
                // The position may lie beyond what has been read: the reader then skips the rest.
                position += total;
                continue;
            }

            if (total > Limits.FileRecordBytesMax)
            {
                return Corrupt(string.Create(CultureInfo.InvariantCulture,
                    $"a packet block claims {total} bytes, more than a record's {Limits.FileRecordBytesMax} at most"));
            }

            if (length - at < (int)total)
            {
                return WalkResult.NeedMore;
            }

            if (Read32(start + total - 4) != total)
            {
                return Corrupt("a block whose length at its end differs from the one at its start");
            }

            if (!Held(block, type, at, (int)total, fileOffset + at))
            {
                return WalkResult.Faulted;
            }

            position += total;
        }
    }

    private static bool IsHeld(uint type) =>
        type is EnhancedPacket or SimplePacket or ObsoletePacket or InterfaceDescription or SectionHeader;

    private bool Held(FrameBlock block, uint type, int at, int total, long sourceOffset)
    {
        switch (type)
        {
            case EnhancedPacket: return Packet(block, at, total, sourceOffset, obsolete: false);
            case ObsoletePacket: return Packet(block, at, total, sourceOffset, obsolete: true);
            case SimplePacket: return Simple(block, at, total, sourceOffset);
            case InterfaceDescription: return Describe(new ReadOnlySpan<byte>(block.Start + at, total));
            default: return Section(new ReadOnlySpan<byte>(block.Start + at, total));
        }
    }

    /// <summary>
    /// Interface id (4; obsolete: 2 and drops 2), time high, time low, captured, original, bytes, options.
    /// </summary>
    private bool Packet(FrameBlock block, int at, int total, long sourceOffset, bool obsolete)
    {
        var start = block.Start + at;
        if (total < PacketHeader + 4)
        {
            return Bad("a packet block shorter than its own header");
        }

        var id = obsolete ? Read16(start + 8) : Read32(start + 8);
        if (id >= (uint)_currentCount)
        {
            return Bad(string.Create(CultureInfo.InvariantCulture,
                $"a packet block of interface {id}, which its section has not described"));
        }

        var captured = Read32(start + 20);
        if (captured > (uint)(total - PacketHeader - 4) || captured > Limits.FrameBytesMax)
        {
            return Bad(string.Create(CultureInfo.InvariantCulture,
                $"a packet block of {total} bytes that claims {captured} captured bytes"));
        }

        ref readonly var source = ref _current[id];
        var ticks = ((ulong)Read32(start + 12) << 32) | Read32(start + 16);
        _lastTimestampNs = source.ToNanoseconds(ticks);
        Mark(block, at + PacketHeader, captured, Read32(start + 24), in source, sourceOffset);
        var options = PacketHeader + (((int)captured + 3) & ~3);
        if (total - 4 > options)
        {
            block.SetOptions(at + options, total - 4 - options, _swapped);
        }

        if (total - 4 - options > FrameFacts.OptionBytes && !obsolete && !_swapped)
        {
            // A recording of ours keeps what offloads left undone; other files have no such option.
            var facts = new ReadOnlySpan<byte>(start + options, total - 4 - options);
            FrameFacts.TryRead(facts, ref block.Meta(block.Count - 1));
        }

        return true;
    }

    /// <summary>Original length, bytes. Interface 0; no time, so the frame gets that of the one before.</summary>
    private bool Simple(FrameBlock block, int at, int total, long sourceOffset)
    {
        if (total < SimpleHeader + 4)
        {
            return Bad("a packet block shorter than its own header");
        }

        if (_currentCount == 0)
        {
            return Bad("a simple packet block in a section that has described no interface");
        }

        ref readonly var source = ref _current[0];
        var original = Read32(block.Start + at + 8);
        var captured = Math.Min(original, (uint)(total - SimpleHeader - 4));
        captured = source.SnapLength == 0 ? captured : Math.Min(captured, source.SnapLength);
        if (captured > Limits.FrameBytesMax)
        {
            return Bad(string.Create(CultureInfo.InvariantCulture,
                $"a simple packet block of {captured} bytes, more than a frame can have"));
        }

        Mark(block, at + SimpleHeader, captured, original, in source, sourceOffset);
        return true;
    }

    private void Mark(
        FrameBlock block, int offset, uint captured, uint original, in PcapngInterface source, long sourceOffset)
    {
        ref var meta = ref block.Add(offset);
        meta = default;
        meta.TimestampNs = _lastTimestampNs;
        meta.PointId = source.PointId;
        meta.LinkType = source.LinkType;
        meta.FrameNumber = ++Frames;
        meta.SourceOffset = sourceOffset;
        FrameLengths.Set(ref meta, (int)captured, original, source.FcsBytes);
    }

    /// <summary>Section header: magic, version, section length (−1 = unknown; not needed), options.</summary>
    private bool Section(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 28)
        {
            return Bad("a section header shorter than 28 bytes");
        }

        var major = Read16(bytes[12..]);
        if (major != 1)
        {
            return Bad(string.Create(
                CultureInfo.InvariantCulture, $"a section of pcapng version {major}, of which only 1 is known"));
        }

        _section++;
        _currentCount = 0;
        return true;
    }

    private bool Describe(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 20)
        {
            return Bad("an interface block shorter than 20 bytes");
        }

        if (interfaces.IsFull)
        {
            return Bad(string.Create(CultureInfo.InvariantCulture,
                $"one interface more than the {Limits.FileInterfacesMax} a file may describe"));
        }

        var described = PcapngInterface.Parse(bytes[8..^4], _swapped, interfaces, Math.Max(0, _section), out var item);
        interfaces.Add(item);
        if (_currentCount == _current.Length)
        {
            Array.Resize(ref _current, _currentCount * 2);
        }

        _current[_currentCount++] = described;
        return true;
    }

    private bool TryByteOrder(byte* magic)
    {
        var value = *(uint*)magic;
        _swapped = value == BinaryPrimitives.ReverseEndianness(ByteOrderMagic);
        return _swapped || value == ByteOrderMagic;
    }

    private bool Bad(string what)
    {
        Corrupt(what);
        return false;
    }

    private uint Read32(byte* at) => _swapped ? BinaryPrimitives.ReverseEndianness(*(uint*)at) : *(uint*)at;

    private ushort Read16(byte* at) => _swapped ? BinaryPrimitives.ReverseEndianness(*(ushort*)at) : *(ushort*)at;

    private ushort Read16(ReadOnlySpan<byte> at) => _swapped
        ? BinaryPrimitives.ReadUInt16BigEndian(at)
        : BinaryPrimitives.ReadUInt16LittleEndian(at);
}
