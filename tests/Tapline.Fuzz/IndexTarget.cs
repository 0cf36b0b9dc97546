// The readers of an index's sections on hostile bytes: the first byte chooses the section, the rest is its content. Oracle: what
// is read is bounded by the bytes that it was read from, and lists that are searched are found in themselves.
using Tapline.Base;
using Tapline.Record.Index;

namespace Tapline.Fuzz;

/// <summary>Fuzzes the index beside a segment.</summary>
public sealed class IndexTarget : IFuzzTarget
{
    private const int Kinds = 7;
    private readonly ulong[] _numbers = new ulong[200];

    public string Name => "index";

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        [0, .. MakeHeader()],
        [1, 2, 3, 0x81, 2, 4, 9, 5, 0, 6],
        [2, 1, 3, (byte)'v', (byte)'m', (byte)'1', 1, 7, 1, 1, 0, 1, 0],
        [3, 2, 10, 1, 1, .. new byte[15], 1],
        [3, 1, 5, 0],
        [4, 2, 9, 9],
        [5, 3, 0b10_01_00, 0, 1, 1],
        [6, 1, 0x80, 1, 3],
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        var content = input[1..];
        switch (input[0] % Kinds)
        {
            case 0:
                var length = content.Length;
                var verdict = IndexHeader.TryParse(content, length, out var header);
                Must(
                    verdict != IndexVerdict.Sound || header.Sections.All(s => s.Offset + s.Bytes <= length),
                    "sections lie in the file");
                break;
            case 1:
                _ = ColumnDirectory.TryRead(content, content.Length);
                break;
            case 2:
                var names = IndexNames.TryRead(content);
                Must(names is null || names.Texts.Length + names.Points.Length <= content.Length, "names are bounded");
                break;
            case 3:
                var ips = IndexLists.TryReadAddresses(content);
                Must(ips is null || ips.Length <= content.Length + 1, "addresses are bounded");
                Must(ips is not { Length: 2 } || ips[1].IsNone || IndexLists.Find(ips, ips[1]) == 1, "a sole address is found");
                break;
            case 4:
                var macs = IndexLists.TryReadMacs(content);
                Must(macs is null || macs.Length <= content.Length + 1, "MAC addresses are bounded");
                break;
            case 5:
                _ = ColumnDecoder.TryDecode(ColumnCoding.Packed, content, _numbers);
                _ = ColumnDecoder.TryDecode(ColumnCoding.Packed, content, _numbers.AsSpan(0, 3));
                break;
            default:
                _ = ColumnDecoder.TryDecode(ColumnCoding.Dictionary, content, _numbers.AsSpan(0, 3));
                _ = ColumnDecoder.TryDecode(ColumnCoding.Sparse, content, _numbers);
                _ = ColumnDecoder.TryDecode(ColumnCoding.Varints, content, _numbers.AsSpan(0, 3));
                break;
        }
    }

    public void Dispose()
    {
    }

    private static byte[] MakeHeader()
    {
        var bytes = new byte[IndexHeader.Bytes + 8];
        new IndexHeader
        {
            Flows = 1,
            FileBytes = bytes.Length,
            Sections =
            [
                new IndexSection(IndexSectionKind.Directory, IndexHeader.Bytes, 4, Crc32C.Compute(new byte[4])),
                new IndexSection(IndexSectionKind.Filter, IndexHeader.Bytes + 4, 4, Crc32C.Compute(new byte[4])),
            ],
        }.Write(bytes);
        return bytes;
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
