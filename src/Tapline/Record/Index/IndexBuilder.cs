// From what was noted of a segment to the bytes of its index. In: an IndexBuffer whose records are all there, points and
// names. Out: header and sections, to be written one after the other. Everything is kept and used again for the next
// segment. The order of the file: what a query reads first stands first. docs/formats/index.md.
// Writer's thread, or whoever rebuilds; no input or output here. Allocates only while it grows.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Builds indexes, one after the other.</summary>
internal sealed class IndexBuilder : IDisposable
{
    private readonly PacketLists _lists;
    private readonly NativeArray<FlowPlaces> _places;
    private readonly NativeArray<ulong> _stored;
    private readonly AddressCollector _addresses = new();
    private readonly NameCollector _names = new();
    private readonly KeyCollector _keys = new();
    private readonly ByteSink _header = new();
    private readonly ByteSink _rows = new();
    private readonly IndexSection[] _table = new IndexSection[s_order.Length];
    private readonly ByteSink[] _sections = new ByteSink[s_order.Length];

    private static readonly IndexSectionKind[] s_order =
    [
        IndexSectionKind.Directory, IndexSectionKind.Filter, IndexSectionKind.Names, IndexSectionKind.Addresses,
        IndexSectionKind.Macs, IndexSectionKind.Times, IndexSectionKind.Columns, IndexSectionKind.Packets,
    ];

    /// <summary>Makes a builder for buffers of these sizes.</summary>
    public IndexBuilder(int frames, int flows)
    {
        _lists = new PacketLists(frames, flows);
        _places = new NativeArray<FlowPlaces>(flows);
        _stored = new NativeArray<ulong>(flows);
        for (var i = 0; i < _sections.Length; i++)
        {
            _sections[i] = new ByteSink();
        }
    }

    /// <summary>Parts of the file so far built: the header, then the sections.</summary>
    public int Parts => 1 + _sections.Length;

    /// <summary>Length of the file so far built, in bytes.</summary>
    public long FileBytes { get; private set; }

    /// <summary>One part of the file; they follow each other.</summary>
    public ReadOnlySpan<byte> Part(int part) => part == 0 ? _header.Written : _sections[part - 1].Written;

    /// <summary>Builds the index of one segment.</summary>
    /// <param name="buffer">What was noted of it.</param>
    /// <param name="identity">Length of the segment, worker, origin.</param>
    /// <param name="points">Points by id, as far as known.</param>
    /// <param name="names">Who the ends are where no point tells, or null.</param>
    public void Build(IndexBuffer buffer, in IndexHeader identity, PointInfo?[] points, IEndpointNames? names)
    {
        _header.Clear();
        Array.ForEach(_sections, s => s.Clear());
        _lists.Group(buffer);
        CollectNames(buffer, points, names);
        WriteColumns(buffer);
        _keys.WriteFilter(Section(IndexSectionKind.Filter));
        _addresses.WriteIps(Section(IndexSectionKind.Addresses));
        _addresses.WriteMacs(Section(IndexSectionKind.Macs));
        WriteTimes(buffer);
        _lists.Write(buffer.Flows, Section(IndexSectionKind.Packets));
        WriteHeader(buffer, identity);
    }

    public void Dispose()
    {
        _lists.Dispose();
        _places.Dispose();
        _stored.Dispose();
    }

    private ByteSink Section(IndexSectionKind kind) => _sections[Array.IndexOf(s_order, kind)];

    private void CollectNames(IndexBuffer buffer, PointInfo?[] points, IEndpointNames? names)
    {
        _addresses.Begin();
        _names.Begin(points, names);
        _keys.Begin();
        for (var flow = 1; flow < buffer.Flows; flow++)
        {
            ref readonly var record = ref buffer.Record(flow);
            _addresses.Note(record);
            ref var extras = ref _places[flow].Extras;
            extras = buffer.Facts(flow).Settle(record);
            _addresses.Note(extras);
        }

        _addresses.Sort();
        for (var flow = 1; flow < buffer.Flows; flow++)
        {
            ref readonly var record = ref buffer.Record(flow);
            ref readonly var extras = ref _places[flow].Extras;
            _places[flow] = new FlowPlaces
            {
                Extras = extras,
                OtherMac1 = _addresses.PlaceOf(extras.Mac1),
                OtherMac2 = _addresses.PlaceOf(extras.Mac2),
                FirstIp1 = _addresses.PlaceOf(extras.Address1),
                FirstIp2 = _addresses.PlaceOf(extras.Address2),
                InitiatorIp = _addresses.PlaceOf(record.InitiatorIp),
                ResponderIp = _addresses.PlaceOf(record.ResponderIp),
                OuterInitiatorIp = _addresses.PlaceOf(record.OuterInitiatorIp),
                OuterResponderIp = _addresses.PlaceOf(record.OuterResponderIp),
                InitiatorMac = _addresses.PlaceOf(record.InitiatorMac),
                ResponderMac = _addresses.PlaceOf(record.ResponderMac),
                InitiatorVm = _names.Machine(record.InitiatorPoint, record.InitiatorMac, record.InitiatorIp),
                ResponderVm = _names.Machine(record.ResponderPoint, record.ResponderMac, record.ResponderIp),
            };
            _keys.Add(record);
            _keys.Add(_places[flow].Extras);
            _names.Note(_places[flow].Extras.Point);
        }

        _names.Write(Section(IndexSectionKind.Names));
        foreach (var ip in _addresses.Ips)
        {
            _keys.Add(IndexKey.Address(ip));
        }

        foreach (var mac in _addresses.Macs)
        {
            _keys.Add(IndexKey.Mac(mac));
        }

        foreach (var machine in _names.Machines)
        {
            _keys.Add(IndexKey.Vm(machine));
        }

        for (var place = 0; place < _names.PointCount; place++)
        {
            _keys.Add(IndexKey.Point(_names.Point(place).Name));
        }
    }

    private void WriteColumns(IndexBuffer buffer)
    {
        var directory = Section(IndexSectionKind.Directory);
        var columns = Section(IndexSectionKind.Columns);
        var rows = _rows;
        rows.Clear();
        var count = 0;
        var union = buffer.Union();
        foreach (ref readonly var plan in ColumnPlan.All)
        {
            // Most flows have no trouble: a column of nothing but zeros is not even looked at.
            var isEmpty = !IsPlaced(plan.Column) && FlowFields.Get(union, plan.Column) == 0;
            var zone = isEmpty ? default : Store(buffer, plan);
            if (zone != default)
            {
                var start = columns.Length;
                var stored = _stored.Span[1..buffer.Flows];
                var coding = ColumnEncoder.Encode(stored, columns);
                var isConstant = coding == ColumnCoding.Constant;
                var hasBounds = !isConstant || zone.Min != zone.Max || (ulong)zone.Min != stored[0];
                rows.AddVarint((ulong)plan.Column);
                rows.Add((byte)((byte)coding
                    | (hasBounds ? ColumnDirectory.BoundsFollow : 0) | (isConstant ? 0 : ColumnDirectory.CrcEnds)));
                if (hasBounds)
                {
                    rows.AddVarint(Varint.Fold(zone.Min));
                    rows.AddVarint((ulong)(zone.Max - zone.Min));
                }

                rows.AddVarint(isConstant ? stored[0] : (ulong)(columns.Length - start));
                if (!isConstant)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(rows.Room(sizeof(uint)), Crc32C.Compute(columns.Written[start..]));
                    rows.Advance(sizeof(uint));
                }

                count++;
            }
        }

        directory.AddVarint((ulong)count);
        directory.Add(rows.Written);
    }

    // Fills what is stored of one column and tells its bounds.
    private IndexZone Store(IndexBuffer buffer, in ColumnPlan plan)
    {
        var before = plan.Column == IndexColumn.StartNs ? buffer.FirstNs : 0;
        var (min, max) = (long.MaxValue, long.MinValue);
        for (var flow = 1; flow < buffer.Flows; flow++)
        {
            var value = ValueOf(buffer, flow, plan.Column);
            var guess = plan.Rule switch
            {
                _ when plan.OnlyIf != 0 && ValueOf(buffer, flow, plan.OnlyIf) == 0 => 0,
                ColumnRule.None => 0,
                ColumnRule.Previous => before,
                _ => ColumnPlan.Guess(
                    plan.Rule, ValueOf(buffer, flow, plan.A), ValueOf(buffer, flow, plan.B), buffer.Record(flow).Protocol),
            };
            _stored[flow] = ColumnPlan.Encode(plan, value, guess);
            before = value;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        return buffer.Flows == 1 ? default : new IndexZone(min, max);
    }

    // Columns that are no field of the record.
    private static bool IsPlaced(IndexColumn column) => column is (>= IndexColumn.InitiatorIp and <= IndexColumn.ResponderMac)
        or (>= IndexColumn.InitiatorVm and <= IndexColumn.FirstPort3);

    private long ValueOf(IndexBuffer buffer, int flow, IndexColumn column) => column switch
    {
        >= IndexColumn.InitiatorIp and <= IndexColumn.ResponderMac or IndexColumn.InitiatorVm or IndexColumn.ResponderVm
            or (>= IndexColumn.Marks and <= IndexColumn.FirstPort3) => _places[flow].Of(column),
        IndexColumn.Packets => _lists.Count(flow),
        IndexColumn.PacketListBytes => _lists.Bytes(flow),
        IndexColumn.FirstOffset => _lists.First(flow),
        0 => 0,
        _ => FlowFields.Get(buffer.Record(flow), column),
    };

    private void WriteTimes(IndexBuffer buffer)
    {
        var target = Section(IndexSectionKind.Times);
        target.AddVarint((ulong)buffer.Runs);
        long offset = 0;
        var firstNs = buffer.FirstNs;
        for (var i = 0; i < buffer.Runs; i++)
        {
            ref readonly var run = ref buffer.Run(i);
            target.AddVarint((ulong)run.Packets);
            target.AddVarint((ulong)(run.Offset - offset) / IndexBuffer.OffsetUnit);
            target.AddVarint(Varint.Fold(run.FirstNs - firstNs));
            target.AddVarint((ulong)(run.LastNs - run.FirstNs));
            (offset, firstNs) = (run.Offset, run.FirstNs);
        }
    }

    private void WriteHeader(IndexBuffer buffer, in IndexHeader identity)
    {
        long offset = IndexHeader.Bytes;
        for (var i = 0; i < _table.Length; i++)
        {
            var bytes = _sections[i].Written;
            _table[i] = new IndexSection(s_order[i], offset, bytes.Length, Crc32C.Compute(bytes));
            offset += bytes.Length;
        }

        FileBytes = offset;
        new IndexHeader
        {
            SegmentBytes = identity.SegmentBytes,
            Worker = identity.Worker,
            Origin = identity.Origin,
            Sequence = buffer.Sequence,
            Frames = buffer.Frames,
            PacketsOfNoFlow = _lists.Count(0),
            Flows = buffer.Flows,
            FirstNs = buffer.FirstNs,
            LastNs = buffer.LastNs,
            FileBytes = offset,
            Sections = _table,
        }.Write(_header.Room(IndexHeader.Bytes));
        _header.Advance(IndexHeader.Bytes);
    }
}
