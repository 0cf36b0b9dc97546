// The index beside a segment, as a query reads it: first a few KB that refuse most segments (bounds, filter), then columns
// of the flows, then the packets of those that were chosen. In: a file, hostile until its checksums hold, and bounded
// even then. Out: numbers by flow. Sections are read when first asked for and kept until Dispose. One thread.
//
// Opening gives a verdict. Damage that shows later throws InvalidDataException with one sentence: whoever asks passes over
// the index and reads the packets, or has it made anew (docs/formats/index.md).
using System.Buffers;
using Tapline.Base;
using Tapline.Record.Container;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Reads one index. Flow 0 is no flow: it has the packets that belong to none.</summary>
public sealed partial class SegmentIndex : IDisposable
{
    private readonly string _path;
    private readonly byte[]? _head;
    private SegmentInput? _file;
    private readonly byte[] _filter;
    private readonly ColumnDirectory _directory;
    private readonly long[]?[] _columns = new long[ColumnPlan.All.Length][];
    private readonly byte[]?[] _sections = new byte[IndexHeader.SectionsMax + 1][];
    private IpAddress16[]? _addresses;
    private ulong[]? _macs;
    private IndexNames? _names;
    private TimeBlock[]? _times;
    private long[]? _listStarts;

    private SegmentIndex(
        string path, SegmentInput? file, byte[]? head, IndexHeader header, byte[] filter, ColumnDirectory directory)
    {
        _path = path;
        _file = file;
        _head = head;
        Header = header;
        _filter = filter;
        _directory = directory;
    }

    /// <summary>The segment that it belongs to.</summary>
    public IndexHeader Header { get; }

    /// <summary>Flows, with the one of number 0.</summary>
    public int Flows => Header.Flows;

    /// <summary>IP addresses of all flows in order, IPv4 first; [0] = none.</summary>
    public ReadOnlySpan<IpAddress16> Addresses =>
        _addresses ??= IndexLists.TryReadAddresses(Section(IndexSectionKind.Addresses)) ?? throw Damaged("addresses");

    /// <summary>MAC addresses of all flows in order; [0] = none.</summary>
    public ReadOnlySpan<ulong> Macs => _macs ??= IndexLists.TryReadMacs(Section(IndexSectionKind.Macs)) ?? throw Damaged("MAC addresses");

    /// <summary>Observation points that flows refer to by id.</summary>
    public IReadOnlyList<PointInfo> Points => Names.Points;

    /// <summary>Runs of packets in the order of the file, for time windows.</summary>
    public ReadOnlySpan<TimeBlock> TimeBlocks => _times ??= ReadTimes();

    private IndexNames Names => _names ??= IndexNames.TryRead(Section(IndexSectionKind.Names)) ?? throw Damaged("names");

    /// <summary>The index's path for a segment's.</summary>
    public static string PathOf(string segmentPath)
    {
        ArgumentNullException.ThrowIfNull(segmentPath);
        return (SegmentName.WithoutExtension(segmentPath) ?? segmentPath) + SegmentName.IndexExtension;
    }

    /// <summary>Opens an index by one small read; null with the reason when it can't be used.</summary>
    /// <param name="path">The index's path.</param>
    /// <param name="segmentBytes">Length of the segment, which the index must name; negative = not known.</param>
    /// <param name="verdict">What it came to.</param>
    public static SegmentIndex? Open(string path, long segmentBytes, out IndexVerdict verdict)
    {
        SegmentInput? file = null;
        try
        {
            file = SegmentInput.Open(path);
            var index = Open(path, file, segmentBytes, out verdict);
            file = index is null ? file : null;
            return index;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            verdict = IndexVerdict.Missing;
        }
        catch (ContainerException e)
        {
            verdict = e.MissingKey is null ? IndexVerdict.Damaged : IndexVerdict.Locked;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            verdict = IndexVerdict.Unreadable;
        }
        finally
        {
            file?.Dispose();
        }

        return null;
    }

    /// <summary>Opens an index by a copy of its head (<see cref="IndexHeader.HeadBytes"/>); the file itself is opened when more is wanted
    /// of it, and throws <see cref="InvalidDataException"/> then where it is not the one that the head was copied from. Null where the head
    /// is not sound, or of another segment.</summary>
    internal static SegmentIndex? OpenByHead(string path, byte[] head, long segmentBytes)
    {
        var fileBytes = IndexHeader.FileBytesOf(head);
        var isSound = IndexHeader.TryParse(head, fileBytes, out var header) == IndexVerdict.Sound;
        return isSound && fileBytes <= Limits.IndexFileBytesMax && header.SegmentBytes == segmentBytes
            ? Make(path, null, head, head, header) : null;
    }

    /// <summary>Opens the file of an index that was opened by its head, if that was not done. Throws as reading would.</summary>
    internal void Attach() => _file ??= OpenFile();

    /// <summary>Columns that will soon be asked for: the disk may fetch them meanwhile.</summary>
    internal void WillNeed(ReadOnlySpan<IndexColumn> columns)
    {
        _ = Header.TryFind(IndexSectionKind.Columns, out var section);
        foreach (var column in columns)
        {
            if (_directory[ColumnPlan.PlaceOf((ushort)column)] is { Bytes: > 0 } row)
            {
                _file?.WillNeed(section.Offset + row.Offset, row.Bytes);
            }
        }
    }

    /// <summary>False when no flow has the key: the segment needs no further look, but for <see cref="PacketCount"/> of flow 0,
    /// whose packets no key finds. No input or output.</summary>
    public bool MayContain(in IndexKey key) => KeyFilter.MayContain(_filter, key.Hash);

    /// <summary>Bounds of a column over all flows but flow 0. No input or output.</summary>
    public IndexZone Zone(IndexColumn column)
    {
        var place = ColumnPlan.PlaceOf((ushort)column);
        return place < 0 ? default : _directory[place]?.Zone ?? default;
    }

    /// <summary>The values of a column by flow; [0] belongs to no flow.</summary>
    public ReadOnlySpan<long> Column(IndexColumn column)
    {
        var place = ColumnPlan.PlaceOf((ushort)column);
        Invariant.Check(place >= 0);
        return Values(place);
    }

    /// <summary>The text of a reference; null = none.</summary>
    public string? Text(long reference) => Names.Text(reference);

    /// <summary>The whole record of a flow. Decodes all columns at the first call.</summary>
    public void CopyFlow(int flow, out FlowRecord record)
    {
        _ = Section(IndexSectionKind.Columns); // all of them by one read
        record = default;
        foreach (ref readonly var plan in ColumnPlan.All)
        {
            FlowFields.Set(ref record, plan.Column, Column(plan.Column)[flow]);
        }

        record.InitiatorIp = AddressAt(IndexColumn.InitiatorIp, flow);
        record.ResponderIp = AddressAt(IndexColumn.ResponderIp, flow);
        record.OuterInitiatorIp = AddressAt(IndexColumn.OuterInitiatorIp, flow);
        record.OuterResponderIp = AddressAt(IndexColumn.OuterResponderIp, flow);
        record.InitiatorMac = MacAt(IndexColumn.InitiatorMac, flow);
        record.ResponderMac = MacAt(IndexColumn.ResponderMac, flow);
    }

    /// <summary>As much of the record of a flow as these columns say, without addresses; null = the whole record.</summary>
    public void CopyFlow(int flow, IndexColumn[]? columns, out FlowRecord record)
    {
        if (columns is null)
        {
            CopyFlow(flow, out record);
            return;
        }

        record = default;
        foreach (var column in columns)
        {
            FlowFields.Set(ref record, column, Column(column)[flow]);
        }
    }

    /// <summary>Gives back the memory of decoded columns; asked for again, they are decoded again.</summary>
    public void ForgetColumns()
    {
        for (var place = 0; place < _columns.Length; place++)
        {
            if (_columns[place] is { } values)
            {
                if (!IsZero(place))
                {
                    ArrayPool<long>.Shared.Return(values);
                }

                _columns[place] = null;
            }
        }
    }

    /// <summary>Packets that belong to no flow.</summary>
    public int PacketsOfNoFlow => Header.PacketsOfNoFlow >= 0 ? Header.PacketsOfNoFlow : PacketCount(0);

    /// <summary>Packets of a flow in this segment.</summary>
    public int PacketCount(int flow) => (int)Column(IndexColumn.Packets)[flow];

    /// <summary>Packets of some flows together. Throws <see cref="InvalidDataException"/> where they are more than the segment has room
    /// for.</summary>
    public int PacketCount(List<int> flows)
    {
        ArgumentNullException.ThrowIfNull(flows);
        var counts = Column(IndexColumn.Packets);
        var packets = 0L;
        foreach (var flow in flows)
        {
            packets += (uint)counts[flow];
        }

        var roomFor = Math.Min(Header.SegmentBytes / PcapngWriter.BlockFrameBytes, int.MaxValue);
        return packets <= roomFor ? (int)packets : throw Damaged("packets");
    }

    /// <summary>Closes the file; columns that were handed out must not be used any more.</summary>
    public void Dispose()
    {
        ForgetColumns();
        _file?.Dispose();
    }

    private IpAddress16 AddressAt(IndexColumn column, int flow)
    {
        var place = Column(column)[flow];
        return place < Addresses.Length ? Addresses[(int)place] : throw Damaged("addresses");
    }

    private ulong MacAt(IndexColumn column, int flow)
    {
        var place = Column(column)[flow];
        return place < Macs.Length ? Macs[(int)place] : throw Damaged("MAC addresses");
    }

    private static SegmentIndex? Open(string path, SegmentInput file, long segmentBytes, out IndexVerdict verdict)
    {
        var length = file.Length;
        if (length > Limits.IndexFileBytesMax)
        {
            verdict = IndexVerdict.Damaged;
            return null;
        }

        var first = GC.AllocateUninitializedArray<byte>((int)Math.Min(length, Limits.IndexFirstReadBytes));
        var got = ReadFully(file, first, 0);
        verdict = IndexHeader.TryParse(first.AsSpan(0, got), length, out var header);
        if (verdict != IndexVerdict.Sound)
        {
            return null;
        }

        if (segmentBytes >= 0 && header.SegmentBytes != segmentBytes)
        {
            verdict = IndexVerdict.Stale;
            return null;
        }

        var index = Make(path, file, null, first.AsSpan(0, got), header);
        verdict = index is null ? IndexVerdict.Damaged : IndexVerdict.Sound;
        return index;
    }

    private static SegmentIndex? Make(string path, SegmentInput? file, byte[]? head, ReadOnlySpan<byte> first, in IndexHeader header)
    {
        Invariant.Check(header.TryFind(IndexSectionKind.Filter, out var filterSection));
        Invariant.Check(header.TryFind(IndexSectionKind.Directory, out var directorySection));
        _ = header.TryFind(IndexSectionKind.Columns, out var columns);
        var filter = Take(file, first, filterSection);
        var rows = Take(file, first, directorySection);
        var directory = rows is null ? null : ColumnDirectory.TryRead(rows, columns.Bytes);
        return filter is null || directory is null ? null : new SegmentIndex(path, file, head, header, filter, directory);
    }

    // The file behind a head: another one, made since, has its sections elsewhere.
    private SegmentInput OpenFile()
    {
        var file = SegmentInput.Open(_path);
        Span<byte> own = stackalloc byte[IndexHeader.Bytes];
        if (file.Length == Header.FileBytes && ReadFully(file, own, 0) == own.Length && own.SequenceEqual(_head.AsSpan(0, own.Length)))
        {
            return file;
        }

        file.Dispose();
        throw Damaged("it has changed");
    }

    // A section out of what was read already, or read now; null when its checksum does not hold.
    private static byte[]? Take(SegmentInput? file, ReadOnlySpan<byte> first, in IndexSection section)
    {
        if (file is null && section.Offset + section.Bytes > first.Length)
        {
            return null;
        }

        var bytes = GC.AllocateUninitializedArray<byte>((int)section.Bytes);
        if (section.Offset + section.Bytes <= first.Length)
        {
            first.Slice((int)section.Offset, bytes.Length).CopyTo(bytes);
        }
        else if (ReadFully(file!, bytes, section.Offset) < bytes.Length)
        {
            return null;
        }

        return Crc32C.Compute(bytes) == section.Crc ? bytes : null;
    }

    private static int ReadFully(SegmentInput file, Span<byte> target, long offset)
    {
        var total = 0;
        while (total < target.Length)
        {
            var got = file.Read(target[total..], offset + total);
            if (got == 0)
            {
                break;
            }

            total += got;
        }

        return total;
    }

    private ReadOnlySpan<byte> Section(IndexSectionKind kind)
    {
        ref var kept = ref _sections[(int)kind];
        if (kept is null)
        {
            var isThere = Header.TryFind(kind, out var section);
            kept = (isThere ? Take(_file ??= OpenFile(), [], section) : null) ?? throw Damaged($"section {(int)kind}");
        }

        return kept;
    }

    private InvalidDataException Damaged(string what) =>
        new($"The index {_path} is damaged ({what}); remove it, and it is made anew from its segment.");
}
