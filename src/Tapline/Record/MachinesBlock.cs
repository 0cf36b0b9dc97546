// The block that says who the machines are, at the start of a segment and again when that changes: `vm` and `tag` of a
// query need MAC addresses and tags, which no interface description has. A block of the local-use range, like the ledger;
// docs/formats/segment.md draws it. Reading is for hostile bytes: what is not whole is taken as far as it is.
//
// body:  0 magic "TLNAMES1" 8   8 machines 4   12 machines   then zeros to 32 bits
// machine:  name, id: text · aliases, tags: count 1, texts · MACs: count 1, 6 bytes each      text: bytes 2, UTF-8
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;

namespace Tapline.Record;

/// <summary>Encodes and decodes lists of machines. Any thread; allocates, rare.</summary>
public static class MachinesBlock
{
    /// <summary>"TL", 2 of the range 0x80000000 up.</summary>
    public const uint Type = 0x8054_4C02;

    /// <summary>Machines that one list, and one query, can know.</summary>
    public const int MachinesMax = 2 * Limits.PointsMax;

    /// <summary>Largest block in bytes: some 2,000 machines as people describe them. Machines beyond it are left out.</summary>
    public const int BytesMax = 256 << 10;

    private const ulong Magic = 0x3153_454D_414E_4C54; // "TLNAMES1" read little-endian
    private const int FixedBytes = 12;
    private const int TextBytesMax = 512;
    private const int MacBytes = 6;

    /// <summary>The whole block; empty for no machines.</summary>
    public static byte[] Make(IReadOnlyList<RecordedMachine> machines)
    {
        ArgumentNullException.ThrowIfNull(machines);
        var body = new List<byte>(4096);
        body.AddRange(new byte[FixedBytes]);
        var count = 0;
        foreach (var machine in machines)
        {
            var before = body.Count;
            Add(body, machine);
            if (count == MachinesMax || body.Count > BytesMax - PcapngWriter.BlockFrameBytes - sizeof(uint))
            {
                body.RemoveRange(before, body.Count - before);
                break;
            }

            count++;
        }

        if (count == 0)
        {
            return [];
        }

        body.AddRange(new byte[PcapngWriter.Pad(body.Count) - body.Count]);
        var bytes = body.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), count);
        var block = new byte[PcapngWriter.BlockFrameBytes + bytes.Length];
        PcapngWriter.WriteBlock(block, Type, bytes);
        return block;
    }

    /// <summary>The machines in a block's body.</summary>
    public static List<RecordedMachine> Read(ReadOnlySpan<byte> body)
    {
        var machines = new List<RecordedMachine>();
        if (body.Length < FixedBytes || BinaryPrimitives.ReadUInt64LittleEndian(body) != Magic)
        {
            return machines;
        }

        var count = BinaryPrimitives.ReadUInt32LittleEndian(body[8..]);
        body = body[FixedBytes..];
        while (machines.Count < Math.Min(count, MachinesMax)
            && TryText(ref body, out var name) && TryText(ref body, out var id)
            && TryTexts(ref body, out var aliases) && TryTexts(ref body, out var tags) && TryMacs(ref body, out var macs))
        {
            machines.Add(new RecordedMachine(name, id, aliases, tags, macs));
        }

        return machines;
    }

    private static void Add(List<byte> body, RecordedMachine machine)
    {
        AddText(body, machine.Name);
        AddText(body, machine.Id);
        AddTexts(body, machine.Aliases);
        AddTexts(body, machine.Tags);
        var macs = Math.Min(machine.Macs.Count, byte.MaxValue);
        body.Add((byte)macs);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        for (var i = 0; i < macs; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, machine.Macs[i]);
            body.AddRange(bytes[2..]);
        }
    }

    private static void AddTexts(List<byte> body, IReadOnlyList<string> texts)
    {
        var count = Math.Min(texts.Count, byte.MaxValue);
        body.Add((byte)count);
        for (var i = 0; i < count; i++)
        {
            AddText(body, texts[i]);
        }
    }

    private static void AddText(List<byte> body, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = Math.Min(bytes.Length, TextBytesMax);
        while (length > 0 && length < bytes.Length && (bytes[length] & 0xc0) == 0x80)
        {
            length--; // between two characters
        }

        body.Add((byte)length);
        body.Add((byte)(length >> 8));
        body.AddRange(bytes.AsSpan(0, length));
    }

    private static bool TryText(ref ReadOnlySpan<byte> body, out string text)
    {
        text = "";
        if (body.Length < 2)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(body);
        if (length > TextBytesMax || body.Length < 2 + length)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(body.Slice(2, length));
        body = body[(2 + length)..];
        return true;
    }

    private static bool TryTexts(ref ReadOnlySpan<byte> body, out string[] texts)
    {
        texts = [];
        if (body.IsEmpty)
        {
            return false;
        }

        texts = new string[body[0]];
        body = body[1..];
        for (var i = 0; i < texts.Length; i++)
        {
            if (!TryText(ref body, out texts[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryMacs(ref ReadOnlySpan<byte> body, out ulong[] macs)
    {
        macs = [];
        if (body.IsEmpty || body.Length < 1 + (body[0] * MacBytes))
        {
            return false;
        }

        macs = new ulong[body[0]];
        for (var i = 0; i < macs.Length; i++)
        {
            var mac = body.Slice(1 + (i * MacBytes), MacBytes);
            macs[i] = ((ulong)BinaryPrimitives.ReadUInt16BigEndian(mac) << 32) | BinaryPrimitives.ReadUInt32BigEndian(mac[2..]);
        }

        body = body[(1 + (macs.Length * MacBytes))..];
        return true;
    }
}
