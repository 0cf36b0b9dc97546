// Bytes of a batch file → checked batch, or one sentence. Nothing in the file is believed before its checksum, and no
// length after it: damage never throws, never gives wrong rows, never asks for more memory than the file's few-fold.
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Store;

/// <summary>Decodes batches. Pure; any thread; allocates.</summary>
public static class SpoolDecoder
{
    /// <summary>Decodes a whole batch file; false with one sentence when anything in it is damaged.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> file, out SpoolBatch? batch, out string? fault)
    {
        batch = null;
        fault = CheckHeader(file);
        if (fault is not null)
        {
            return false;
        }

        var sections = new Sections();
        var count = BinaryPrimitives.ReadUInt16LittleEndian(file[12..]);
        for (var index = 0; index < count; index++)
        {
            var offset = SpoolLayout.SectionTableOffset + (index * SpoolLayout.SectionEntryBytes);
            var entry = file.Slice(offset, SpoolLayout.SectionEntryBytes);
            fault = CheckSection(file, entry, index, ref sections);
            if (fault is not null)
            {
                return false;
            }
        }

        batch = Build(file, sections);
        return true;
    }

    private static string? CheckHeader(ReadOnlySpan<byte> file)
    {
        if (file.Length < SpoolLayout.HeaderBytes)
        {
            return $"it has {file.Length} bytes, fewer than a header's {SpoolLayout.HeaderBytes}.";
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(file) != SpoolLayout.Magic)
        {
            return "it does not begin like a batch.";
        }

        Span<byte> header = stackalloc byte[SpoolLayout.HeaderBytes];
        file[..SpoolLayout.HeaderBytes].CopyTo(header);
        header.Slice(SpoolLayout.CrcOffset, sizeof(uint)).Clear();
        if (Crc32C.Compute(header) != BinaryPrimitives.ReadUInt32LittleEndian(file[SpoolLayout.CrcOffset..]))
        {
            return "the checksum of its header is wrong.";
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) != SpoolLayout.Version
            || BinaryPrimitives.ReadUInt16LittleEndian(file[10..]) != SpoolLayout.HeaderBytes
            || BinaryPrimitives.ReadUInt16LittleEndian(file[12..]) > SpoolLayout.SectionsMax)
        {
            return "it was written by a version of Tapline that this one does not know.";
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(file[48..]);
        return length == file.Length ? null : $"it has {file.Length} bytes where its header says {length}.";
    }

    private static string? CheckSection(
        ReadOnlySpan<byte> file, ReadOnlySpan<byte> entry, int index, ref Sections sections)
    {
        var kind = BinaryPrimitives.ReadUInt16LittleEndian(entry);
        var rowBytes = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        var rows = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]);
        if (offset < SpoolLayout.HeaderBytes || (ulong)offset + length > (ulong)file.Length
            || (ulong)rowBytes * rows != length || rowBytes < RowBytesMin(kind))
        {
            return $"its section {index} does not fit the file.";
        }

        if (Crc32C.Compute(file.Slice((int)offset, (int)length)) != BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]))
        {
            return $"the checksum of its section {index} is wrong.";
        }

        // Kinds of newer writers are passed over: what this reader knows is whole without them.
        if (kind is >= SpoolLayout.StringsKind and <= SpoolLayout.LastKind)
        {
            ref var section = ref sections[kind];
            if (section.Length != 0)
            {
                return $"its section {index} stands there twice.";
            }

            section = new Section((int)offset, (int)length, (int)rowBytes);
        }

        return null;
    }

    private static uint RowBytesMin(ushort kind) => kind switch
    {
        SpoolLayout.PointsKind => SpoolLayout.PointRowBytes,
        SpoolLayout.SessionsKind => SpoolLayout.SessionRowBytes,
        SpoolLayout.FlowsKind => SpoolLayout.FlowRowBytesMin,
        SpoolLayout.EndpointsKind => SpoolLayout.EndpointRowBytes,
        SpoolLayout.LedgerKind or SpoolLayout.MirrorLedgerKind => SpoolLayout.LedgerRowBytesMin,
        _ => 1,
    };

    private static SpoolBatch Build(ReadOnlySpan<byte> file, in Sections sections)
    {
        var worker = BinaryPrimitives.ReadUInt16LittleEndian(file[14..]);
        var instance = BinaryPrimitives.ReadUInt64LittleEndian(file[16..]);
        var sequence = BinaryPrimitives.ReadInt64LittleEndian(file[24..]);
        var node = file.Slice(SpoolLayout.NodeOffset, SpoolLayout.NodeBytes);
        var strings = Bytes(file, sections[SpoolLayout.StringsKind]);
        return new SpoolBatch
        {
            BatchId = string.Create(CultureInfo.InvariantCulture, $"{instance:x16}-{worker}-{sequence}"),
            Node = Encoding.UTF8.GetString(node.TrimEnd((byte)0)),
            Worker = worker,
            Sequence = sequence,
            FirstNs = BinaryPrimitives.ReadInt64LittleEndian(file[32..]),
            LastNs = BinaryPrimitives.ReadInt64LittleEndian(file[40..]),
            RecordsDropped = BinaryPrimitives.ReadInt64LittleEndian(file[56..]),
            Points = Points(file, sections[SpoolLayout.PointsKind], strings),
            Sessions = SessionsOf(file, sections[SpoolLayout.SessionsKind], strings),
            Flows = Rows<FlowRecord>(file, sections[SpoolLayout.FlowsKind]),
            Ledger = Rows<LedgerRecord>(file, sections[SpoolLayout.LedgerKind]),
            MirrorLedger = Rows<MirrorLedgerRecord>(file, sections[SpoolLayout.MirrorLedgerKind]),
            Endpoints = Endpoints(file, sections[SpoolLayout.EndpointsKind], strings),
        };
    }

    private static T[] Rows<T>(ReadOnlySpan<byte> file, Section section) where T : unmanaged
    {
        var rows = new T[section.Rows];
        if (rows.Length > 0)
        {
            Blittable.CopyRows(Bytes(file, section), section.RowBytes, rows.AsSpan());
        }

        return rows;
    }

    private static PointInfo[] Points(ReadOnlySpan<byte> file, Section section, ReadOnlySpan<byte> strings)
    {
        var points = new PointInfo[section.Rows];
        for (var index = 0; index < points.Length; index++)
        {
            var row = file[(section.Offset + (index * section.RowBytes))..];
            points[index] = new PointInfo(
                BinaryPrimitives.ReadUInt16LittleEndian(row),
                Text(row[16..], strings) ?? "",
                Text(row[24..], strings) ?? "port",
                Text(row[32..], strings),
                Text(row[40..], strings),
                Text(row[48..], strings))
            {
                SpeedBitsPerSecond = BinaryPrimitives.ReadInt64LittleEndian(row[8..]),
            };
        }

        return points;
    }

    private static SessionInfo[] SessionsOf(ReadOnlySpan<byte> file, Section section, ReadOnlySpan<byte> strings)
    {
        var sessions = new SessionInfo[section.Rows];
        for (var index = 0; index < sessions.Length; index++)
        {
            var row = file[(section.Offset + (index * section.RowBytes))..];
            sessions[index] = new SessionInfo(
                BinaryPrimitives.ReadUInt16LittleEndian(row),
                Text(row[8..], strings) ?? "",
                Text(row[16..], strings) ?? "",
                Text(row[24..], strings));
        }

        return sessions;
    }

    private static EndpointName[] Endpoints(ReadOnlySpan<byte> file, Section section, ReadOnlySpan<byte> strings)
    {
        var endpoints = new EndpointName[section.Rows];
        for (var index = 0; index < endpoints.Length; index++)
        {
            var row = file[(section.Offset + (index * section.RowBytes))..];
            endpoints[index] = new EndpointName(
                BinaryPrimitives.ReadUInt64LittleEndian(row),
                new IpAddress16(
                    BinaryPrimitives.ReadUInt64LittleEndian(row[8..]), BinaryPrimitives.ReadUInt64LittleEndian(row[16..])),
                Text(row[24..], strings) ?? "");
        }

        return endpoints;
    }

    private static string? Text(ReadOnlySpan<byte> reference, ReadOnlySpan<byte> strings)
    {
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(reference);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(reference[4..]);
        var isPresent = reference[6] != 0 && (ulong)offset + length <= (ulong)strings.Length;
        return isPresent ? Encoding.UTF8.GetString(strings.Slice((int)offset, length)) : null;
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> file, Section section) =>
        file.Slice(section.Offset, section.Length);

    private readonly record struct Section(int Offset, int Length, int RowBytes)
    {
        public int Rows => RowBytes == 0 ? 0 : Length / RowBytes;
    }

    /// <summary>One place for each kind that this version knows, indexed by the kind.</summary>
    [InlineArray(SpoolLayout.LastKind + 1)]
    private struct Sections
    {
        private Section _first;
    }
}
