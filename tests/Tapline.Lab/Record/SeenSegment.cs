// A segment as an independent eye sees it: a plain walk over pcapng blocks with nothing of the product's readers. In: a file, also one
// that nobody has finished. Out: the numbers of its frames, what its ledger says, and how the walk ended. Any thread.
using System.Buffers.Binary;
using System.Globalization;

namespace Tapline.Lab.Record;

/// <summary>What one segment file holds.</summary>
internal sealed class SeenSegment
{
    private const uint EnhancedPacket = 6;
    private const uint LedgerType = 0x8054_4C01;
    private const int LedgerFixedBytes = 40;
    private const int LedgerRowBytes = 88;

    private SeenSegment(string path)
    {
        Name = Path.GetFileName(path);
        var worker = Name[(Name.LastIndexOf('-') + 1)..];
        Worker = int.Parse(worker[..worker.IndexOf('.', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
    }

    public string Name { get; }

    public int Worker { get; }

    /// <summary>Numbers of its frames, in the order of the file.</summary>
    public List<long> Numbers { get; } = [];

    /// <summary>Frames that are not what was sent under their number.</summary>
    public int Strange { get; private set; }

    /// <summary>The walk came to the end of the file, and the last block was a ledger.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Losses that its ledger states; -1 = not known (recovered, or under way).</summary>
    public long Lost { get; private set; } = -1;

    /// <summary>Frames that its ledger counts; -1 = it has none.</summary>
    public long Counted { get; private set; } = -1;

    public static SeenSegment Read(string path, NumberedFrames frames)
    {
        var segment = new SeenSegment(path);
        var bytes = File.ReadAllBytes(path);
        var at = 0;
        var isLedger = false;
        while (at + 12 <= bytes.Length)
        {
            var type = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 4));
            if (length < 12 || length % 4 != 0 || at + (long)length > bytes.Length
                || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan((int)(at + length - 4))) != length)
            {
                break;
            }

            var body = bytes.AsSpan(at + 8, (int)length - 12);
            isLedger = type == LedgerType;
            if (type == EnhancedPacket)
            {
                segment.AddFrame(body, frames);
            }
            else if (isLedger)
            {
                segment.AddLedger(body);
            }

            at += (int)length;
        }

        segment.IsWhole = at == bytes.Length && isLedger;
        return segment;
    }

    private void AddFrame(ReadOnlySpan<byte> body, NumberedFrames frames)
    {
        var frame = body.Slice(20, BinaryPrimitives.ReadInt32LittleEndian(body[12..]));
        Strange += frames.IsGenuine(frame) ? 0 : 1;
        Numbers.Add(NumberedFrames.NumberOf(frame));
    }

    private void AddLedger(ReadOnlySpan<byte> body)
    {
        (Counted, Lost) = (0, 0);
        for (var row = body[LedgerFixedBytes..^8]; row.Length > 0; row = row[LedgerRowBytes..])
        {
            Counted += BinaryPrimitives.ReadInt64LittleEndian(row[32..]);
            var inRing = BinaryPrimitives.ReadInt64LittleEndian(row[16..]);
            Lost = inRing < 0 ? -1 : Lost + inRing + BinaryPrimitives.ReadInt64LittleEndian(row[48..]);
        }
    }
}
