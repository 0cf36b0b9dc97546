// The readers of Tapline's own blocks in a segment on hostile bytes: an odd first byte chooses places, an even one machines; the rest is
// the block, or the body. Checksums are put right in every second input, so that what stands behind them is reached. Oracles: what is
// read is bounded by the bytes that it was read from, and what is written again reads as the same.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record;

namespace Tapline.Fuzz;

/// <summary>Fuzzes the lists of machines and of places.</summary>
public sealed class BlockTarget : IFuzzTarget
{
    private const int FrameBytes = 8;
    private const int TrailerBytes = 4;

    public string Name => "block";

    public IReadOnlyList<byte[]> Seeds { get; } =
    [
        [0, .. Body(MachinesBlock.Make([]))],
        [0, .. Body(MachinesBlock.Make(
        [
            new RecordedMachine("web01", "7", ["www", "shop"], ["prod", "pci"], [0x020000000001, 0xffff_ffff_ffff]),
            new RecordedMachine("", "", [], [], []),
        ]))],
        [1, .. Places([])],
        [3, .. Places([1, 100, 100, long.MaxValue])],
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        if ((input[0] & 1) == 0)
        {
            ReadMachines(input[1..]);
        }
        else
        {
            ReadPlaces(input[1..].ToArray(), mendsChecksum: (input[0] & 2) != 0);
        }
    }

    public void Dispose()
    {
    }

    private static void ReadMachines(ReadOnlySpan<byte> body)
    {
        var machines = MachinesBlock.Read(body);
        const int Least = 7; // two empty texts, three counts
        Must(machines.Count * Least <= body.Length, "machines are bounded");
        Must(machines.Sum(m => m.Name.Length + m.Id.Length + (6 * m.Macs.Count)) <= body.Length, "texts are bounded");
        var again = MachinesBlock.Make(machines);
        Must(again.Length <= MachinesBlock.BytesMax, "a block is bounded");
        var read = again.Length == 0 ? [] : MachinesBlock.Read(Body(again));

        // A text that was no UTF-8 is longer when it is written again, and cut; machines beyond the size are left out.
        Must(read.Count <= machines.Count, "what is written again are the same machines");
        for (var i = 0; i < read.Count; i++)
        {
            Must(read[i].Macs.SequenceEqual(machines[i].Macs), "addresses are the same");
            Must(machines[i].Name.StartsWith(read[i].Name, StringComparison.Ordinal), "names are the same, or cut");
            Must(read[i].Tags.Count == machines[i].Tags.Count && read[i].Aliases.Count == machines[i].Aliases.Count, "so are the others");
        }
    }

    private static void ReadPlaces(byte[] block, bool mendsChecksum)
    {
        if (mendsChecksum && block.Length >= PlacesBlock.Bytes(0))
        {
            var body = block.AsSpan(FrameBytes..^TrailerBytes);
            BinaryPrimitives.WriteUInt32LittleEndian(body[^8..], Crc32C.Compute(body[..^8]));
        }

        if (PlacesBlock.TryRead(block) is not { } places)
        {
            return;
        }

        Must(places.Length * sizeof(long) < block.Length, "places are bounded");
        Must(places.Length == 0 || places[0] > 0, "a place lies in the segment");
        for (var i = 1; i < places.Length; i++)
        {
            Must(places[i] >= places[i - 1], "places rise");
        }

        Must(PlacesBlock.TryRead(Places(places)) is { } read && read.AsSpan().SequenceEqual(places), "what is written again is the same");
    }

    private static byte[] Body(byte[] block) => block.Length == 0 ? [] : block[FrameBytes..^TrailerBytes];

    private static byte[] Places(ReadOnlySpan<long> places)
    {
        var block = new byte[PlacesBlock.Bytes(places.Length)];
        PlacesBlock.Write(block, places);
        return block;
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }
}
