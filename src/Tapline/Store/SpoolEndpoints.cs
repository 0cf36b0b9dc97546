// The table of machines of one batch under publication: for each end of a flow that no point names, the name by MAC, else by IP.
// In: the batch's flows, the names of that moment. Out: rows, and the heap of strings with theirs at its end.
// Owner: the publisher, one thread; reused for all its batches, so that it allocates only while it grows.
// Bounded by the batch: two rows for each flow.
using System.Buffers.Binary;
using System.Text;

namespace Tapline.Store;

/// <summary>Collects the machines of a batch.</summary>
internal sealed class SpoolEndpoints(IEndpointNames names)
{
    private readonly HashSet<ulong> _macs = [];
    private readonly HashSet<IpAddress16> _ips = [];
    private readonly Dictionary<string, (int Offset, int Length)> _texts = [];
    private byte[] _rows = new byte[64 * SpoolLayout.EndpointRowBytes];
    private byte[] _strings = new byte[4096];
    private int _rowBytes;
    private int _stringBytes;

    /// <summary>{ mac, ip, reference } rows; empty when nobody is named.</summary>
    public ReadOnlySpan<byte> Rows => _rows.AsSpan(0, _rowBytes);

    /// <summary>The batch's strings with the names' at their end.</summary>
    public ReadOnlySpan<byte> Strings => _strings.AsSpan(0, _stringBytes);

    /// <summary>Looks up who took part in the flows.</summary>
    public void Collect(ReadOnlySpan<FlowRecord> flows, ReadOnlySpan<byte> strings)
    {
        _macs.Clear();
        _ips.Clear();
        _texts.Clear();
        _rowBytes = 0;
        _stringBytes = 0;
        Append(ref _strings, ref _stringBytes, strings.Length);
        strings.CopyTo(_strings);
        foreach (ref readonly var flow in flows)
        {
            Add(flow.InitiatorPoint, flow.InitiatorMac, flow.InitiatorIp);
            Add(flow.ResponderPoint, flow.ResponderMac, flow.ResponderIp);
        }
    }

    private void Add(ushort point, ulong mac, IpAddress16 ip)
    {
        if (names.IsNamed(point))
        {
            return;
        }

        // The reader asks for the MAC first, too: an address that only some NIC's name stands before needs no row then.
        if (mac != 0 && names.OfMac(mac) is { } nic)
        {
            if (_macs.Add(mac))
            {
                AddRow(mac, default, nic);
            }
        }
        else if (!ip.IsNone && names.OfAddress(ip) is { } name && _ips.Add(ip))
        {
            AddRow(0, ip, name);
        }
    }

    private void AddRow(ulong mac, IpAddress16 ip, string name)
    {
        if (!_texts.TryGetValue(name, out var text))
        {
            var longest = Encoding.UTF8.GetMaxByteCount(name.Length);
            var offset = _stringBytes;
            Append(ref _strings, ref _stringBytes, longest);
            var length = Math.Min(Encoding.UTF8.GetBytes(name, _strings.AsSpan(offset)), SpoolLayout.StringBytesMax);
            _stringBytes = offset + length;
            _texts[name] = text = (offset, length);
        }

        var at = _rowBytes;
        Append(ref _rows, ref _rowBytes, SpoolLayout.EndpointRowBytes);
        var row = _rows.AsSpan(at, SpoolLayout.EndpointRowBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(row, mac);
        BinaryPrimitives.WriteUInt64LittleEndian(row[8..], ip.High);
        BinaryPrimitives.WriteUInt64LittleEndian(row[16..], ip.Low);
        BinaryPrimitives.WriteUInt32LittleEndian(row[24..], (uint)text.Offset);
        BinaryPrimitives.WriteUInt16LittleEndian(row[28..], (ushort)text.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(row[30..], 1);
    }

    private static void Append(ref byte[] bytes, ref int used, int more)
    {
        used += more;
        if (used > bytes.Length)
        {
            Array.Resize(ref bytes, Math.Max(used, bytes.Length * 2));
        }
    }
}
