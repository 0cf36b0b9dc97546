// The parts of the reader that turn sections into numbers: columns with their rules, lists of packets, runs of time, and
// flows by key.
using System.Buffers;
using System.Numerics;
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Record.Index;

public sealed partial class SegmentIndex
{
    private const int OffsetUnit = 4;
    private static long[] s_zeros = [];

    /// <summary>Adds the offsets of a flow's packet blocks in the segment, rising, in bytes.</summary>
    public void AddPackets(int flow, List<long> offsets)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        var starts = _listStarts ??= ListStarts();
        var list = Section(IndexSectionKind.Packets)[(int)starts[flow]..(int)starts[flow + 1]];
        var count = PacketCount(flow);
        var offset = Column(IndexColumn.FirstOffset)[flow];
        for (var i = 0; i < count; i++)
        {
            ulong step = 0;
            if (i > 0 && (!Varint.TryRead(ref list, out step) || step == 0))
            {
                throw Damaged("packets");
            }

            offset = unchecked(offset + (long)step);
            if (offset < 0 || offset >= Header.SegmentBytes / OffsetUnit)
            {
                throw Damaged("packets");
            }

            offsets.Add(offset * OffsetUnit);
        }

        if (!list.IsEmpty)
        {
            throw Damaged("packets");
        }
    }

    /// <summary>Adds the numbers of all flows that have the key, rising. Packets of no flow (flow 0) are never among them.</summary>
    public void FindFlows(in IndexKey key, List<int> flows)
    {
        ArgumentNullException.ThrowIfNull(flows);
        switch (key.Kind)
        {
            case IndexKeyKind.Address:
                FindPlace(flows, IndexLists.Find(Addresses, new IpAddress16(key.High, key.Low)), s_addressColumns);
                break;
            case IndexKeyKind.Mac:
                FindPlace(flows, IndexLists.Find(Macs, key.Low), s_macColumns);
                break;
            case IndexKeyKind.Port:
                FindPort(flows, (long)key.Low);
                break;
            case IndexKeyKind.Vlan:
                FindVlan(flows, (long)key.Low);
                break;
            case IndexKeyKind.Vni:
                FindPlace(flows, (long)key.Low, [IndexColumn.Vni]);
                break;
            case IndexKeyKind.App:
                FindPlace(flows, (long)key.Low, [IndexColumn.AppId]);
                break;
            case IndexKeyKind.Protocol:
                FindValue(flows, (long)key.Low, IndexColumn.Protocol);
                break;
            case IndexKeyKind.Point:
                FindPoint(flows, key.Text!);
                break;
            case IndexKeyKind.Vm:
                FindPlace(flows, Array.IndexOf(Names.Texts, key.Text!) + 1, s_vmColumns);
                break;
            default:
                FindPlace(flows, Array.IndexOf(Names.Texts, key.Text!) + 1, [IndexColumn.ServerName]);
                break;
        }
    }

    /// <summary>
    /// The part of the segment that holds all packets of a time window, in bytes: [from, to). Both 0 when none lies in it.
    /// Packets in it may lie outside of the window.
    /// </summary>
    public (long From, long To) OffsetRange(long fromNs, long toNs)
    {
        var blocks = TimeBlocks;
        long from = -1;
        long to = 0;
        for (var i = 0; i < blocks.Length; i++)
        {
            if (blocks[i].LastNs >= fromNs && blocks[i].FirstNs <= toNs)
            {
                from = from < 0 ? blocks[i].Offset : from;
                to = i + 1 < blocks.Length ? blocks[i + 1].Offset : Header.SegmentBytes;
            }
        }

        return from < 0 ? (0, 0) : (from, to);
    }

    private static readonly IndexColumn[] s_addressColumns =
        [IndexColumn.InitiatorIp, IndexColumn.ResponderIp, IndexColumn.OuterInitiatorIp, IndexColumn.OuterResponderIp];

    private static readonly IndexColumn[] s_macColumns = [IndexColumn.InitiatorMac, IndexColumn.ResponderMac];
    private static readonly IndexColumn[] s_vmColumns = [IndexColumn.InitiatorVm, IndexColumn.ResponderVm];

    // Flows that have the value in any of the columns; 0 stands for none and finds none.
    private void FindPlace(List<int> flows, long value, IndexColumn[] columns)
    {
        if (value <= 0)
        {
            return;
        }

        if (columns.Length == 1)
        {
            FindValue(flows, value, columns[0]);
            return;
        }

        for (var flow = 1; flow < Flows; flow++)
        {
            foreach (var column in columns)
            {
                if (Column(column)[flow] == value)
                {
                    flows.Add(flow);
                    break;
                }
            }
        }
    }

    private void FindValue(List<int> flows, long value, IndexColumn column)
    {
        var values = Column(column);
        for (var flow = 1; flow < values.Length; flow++)
        {
            if (values[flow] == value)
            {
                flows.Add(flow);
            }
        }
    }

    private void FindPort(List<int> flows, long port)
    {
        var protocols = Column(IndexColumn.Protocol);
        var initiators = Column(IndexColumn.InitiatorPort);
        var responders = Column(IndexColumn.ResponderPort);
        for (var flow = 1; flow < protocols.Length; flow++)
        {
            if ((initiators[flow] == port || responders[flow] == port) && FlowProtocol.HasPorts((ushort)protocols[flow]))
            {
                flows.Add(flow);
            }
        }
    }

    private void FindVlan(List<int> flows, long vlan)
    {
        var stacks = Column(IndexColumn.Vlans);
        for (var flow = 1; flow < stacks.Length && vlan != 0; flow++)
        {
            for (var stack = stacks[flow]; stack > 0; stack >>= 12)
            {
                if ((stack & 0xfff) == vlan)
                {
                    flows.Add(flow);
                    break;
                }
            }
        }
    }

    private void FindPoint(List<int> flows, string name)
    {
        var ids = new HashSet<long>();
        foreach (var point in Points)
        {
            if (point.Name == name)
            {
                ids.Add(point.Id);
            }
        }

        var initiators = Column(IndexColumn.InitiatorPoint);
        var responders = Column(IndexColumn.ResponderPoint);
        for (var flow = 1; flow < initiators.Length && ids.Count > 0; flow++)
        {
            if (ids.Contains(initiators[flow]) || ids.Contains(responders[flow]))
            {
                flows.Add(flow);
            }
        }
    }

    private ReadOnlySpan<long> Values(int place)
    {
        ref var kept = ref _columns[place];
        return (kept ??= DecodeColumn(place)).AsSpan(0, Flows);
    }

    private long[] DecodeColumn(int place)
    {
        ref readonly var plan = ref ColumnPlan.All[place];
        if (IsZero(place))
        {
            return Zeros(Flows);
        }

        var values = ArrayPool<long>.Shared.Rent(Flows);
        values[0] = 0;
        if (_directory[place] is not { } row)
        {
            values.AsSpan(0, Flows).Clear();
        }
        else
        {
            var rented = ArrayPool<ulong>.Shared.Rent(Flows);
            var stored = rented.AsSpan(0, Flows - 1);
            if (row.Coding == ColumnCoding.Constant)
            {
                stored.Fill(row.Constant);
            }
            else if (!TryDecode(row, stored))
            {
                throw Damaged($"column {(int)plan.Column}");
            }

            ApplyRule(plan, stored, values.AsSpan(0, Flows));
            ArrayPool<ulong>.Shared.Return(rented);
        }

        TakeFlow0(plan.Column, values);
        return values;
    }

    // One column is read alone where it has a checksum: most questions want few of them.
    private bool TryDecode(ColumnDirectory.Row row, Span<ulong> stored)
    {
        if (row.Crc is not { } crc || _sections[(int)IndexSectionKind.Columns] is not null)
        {
            return ColumnDecoder.TryDecode(row.Coding, Section(IndexSectionKind.Columns).Slice(row.Offset, row.Bytes), stored);
        }

        _ = Header.TryFind(IndexSectionKind.Columns, out var section);
        var rented = ArrayPool<byte>.Shared.Rent(row.Bytes);
        var bytes = rented.AsSpan(0, row.Bytes);
        var isDecoded = ReadFully(_file ??= OpenFile(), bytes, section.Offset + row.Offset) == bytes.Length
            && Crc32C.Compute(bytes) == crc && ColumnDecoder.TryDecode(row.Coding, bytes, stored);
        ArrayPool<byte>.Shared.Return(rented);
        return isDecoded;
    }

    // Columns without a row are 0 in every flow, and most are: they share one array that nobody writes to.
    private bool IsZero(int place) => _directory[place] is null
        && ColumnPlan.All[place].Column is not (>= IndexColumn.Packets and <= IndexColumn.FirstOffset);

    private static long[] Zeros(int flows)
    {
        var zeros = s_zeros;
        if (zeros.Length < flows)
        {
            s_zeros = zeros = new long[BitOperations.RoundUpToPowerOf2((uint)flows)];
        }

        return zeros;
    }

    private void ApplyRule(in ColumnPlan plan, ReadOnlySpan<ulong> stored, Span<long> values)
    {
        if (TryApplyFast(plan, stored, values[1..]))
        {
            return;
        }

        var a = plan.A == 0 ? [] : Values(ColumnPlan.PlaceOf((ushort)plan.A));
        var b = plan.B == 0 ? [] : Values(ColumnPlan.PlaceOf((ushort)plan.B));
        var protocols = plan.Rule == ColumnRule.WithoutHeaders ? Values(ColumnPlan.PlaceOf((ushort)IndexColumn.Protocol)) : [];
        var onlyIf = plan.OnlyIf == 0 ? [] : Values(ColumnPlan.PlaceOf((ushort)plan.OnlyIf));
        var before = plan.Column == IndexColumn.StartNs ? Header.FirstNs : 0;
        for (var flow = 1; flow < values.Length; flow++)
        {
            var guess = plan.Rule == ColumnRule.Previous ? before
                : !onlyIf.IsEmpty && onlyIf[flow] == 0 ? 0
                : ColumnPlan.Guess(
                    plan.Rule, a.IsEmpty ? 0 : a[flow], b.IsEmpty ? 0 : b[flow], protocols.IsEmpty ? 0 : protocols[flow]);
            before = values[flow] = ColumnPlan.Decode(plan, stored[flow - 1], guess);
        }
    }

    // The rules that most columns have, a loop for each.
    private bool TryApplyFast(in ColumnPlan plan, ReadOnlySpan<ulong> stored, Span<long> values)
    {
        stored = stored[..values.Length];
        if (plan.None != ColumnPlan.NoNone || plan.OnlyIf != 0)
        {
            return false;
        }

        switch (plan.Rule)
        {
            case ColumnRule.None:
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = (long)stored[i];
                }

                return true;
            case ColumnRule.Previous:
                var before = plan.Column == IndexColumn.StartNs ? Header.FirstNs : 0;
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = before = Varint.Unfold(stored[i]) + before;
                }

                return true;
            case ColumnRule.Like:
                var like = Values(ColumnPlan.PlaceOf((ushort)plan.A)).Slice(1, values.Length);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = Varint.Unfold(stored[i]) + like[i];
                }

                return true;
            case ColumnRule.Sum:
                var one = Values(ColumnPlan.PlaceOf((ushort)plan.A)).Slice(1, values.Length);
                var other = Values(ColumnPlan.PlaceOf((ushort)plan.B)).Slice(1, values.Length);
                for (var i = 0; i < values.Length; i++)
                {
                    values[i] = Varint.Unfold(stored[i]) + one[i] + other[i];
                }

                return true;
            default:
                return false;
        }
    }

    // The section of packets begins with what the columns would say of flow 0.
    private void TakeFlow0(IndexColumn column, Span<long> values)
    {
        var number = column - IndexColumn.Packets;
        if (number is < 0 or > 2)
        {
            return;
        }

        var source = Section(IndexSectionKind.Packets);
        for (var i = 0; i <= number; i++)
        {
            if (!Varint.TryRead(ref source, out var value) || value > (ulong)Header.SegmentBytes)
            {
                throw Damaged("packets");
            }

            values[0] = (long)value;
        }
    }

    private long[] ListStarts()
    {
        var packets = Section(IndexSectionKind.Packets);
        var lists = packets;
        for (var i = 0; i < 3; i++)
        {
            if (!Varint.TryRead(ref lists, out _))
            {
                throw Damaged("packets");
            }
        }

        var lengths = Column(IndexColumn.PacketListBytes);
        var counts = Column(IndexColumn.Packets);
        var starts = new long[Flows + 1];
        starts[0] = packets.Length - lists.Length;
        for (var flow = 0; flow < Flows; flow++)
        {
            // Each packet but a flow's first takes a byte at least, so counts are bounded by the file.
            var isSound = lengths[flow] >= 0 && lengths[flow] <= packets.Length - starts[flow]
                && counts[flow] >= 0 && counts[flow] <= lengths[flow] + 1;
            starts[flow + 1] = isSound ? starts[flow] + lengths[flow] : throw Damaged("packets");
        }

        return starts[Flows] == packets.Length ? starts : throw Damaged("packets");
    }

    private TimeBlock[] ReadTimes()
    {
        var source = Section(IndexSectionKind.Times);
        if (!Varint.TryRead(ref source, source.Length, out int count))
        {
            throw Damaged("times");
        }

        var blocks = new TimeBlock[count];
        var before = new TimeBlock(0, 0, Header.FirstNs, 0);
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, int.MaxValue, out int packets) || !Varint.TryRead(ref source, out var step)
                || !Varint.TryRead(ref source, out var first) || !Varint.TryRead(ref source, out var length)
                || step > (ulong)(Header.SegmentBytes - before.Offset) / OffsetUnit)
            {
                throw Damaged("times");
            }

            var firstNs = before.FirstNs + Varint.Unfold(first);
            blocks[i] = before = new TimeBlock(before.Offset + ((long)step * OffsetUnit), packets, firstNs, firstNs + (long)length);
        }

        return source.IsEmpty ? blocks : throw Damaged("times");
    }
}
