// The list of machines in a segment: what is written comes back, hostile bytes give less, never a fault.
using Tapline.Record;
using Xunit;

namespace Tapline.Tests.Record;

public class MachinesBlockTests
{
    private static readonly RecordedMachine[] s_machines =
    [
        new("web01", "uuid-1", ["Shop, front (1)", ""], ["pci", "tier=web"], [0x0200_0000_0001, 0xffff_ffff_ffff]),
        new("Datenbank \u00fc", "", [], [], []),
    ];

    [Fact]
    public void ComesBackAsWritten()
    {
        var block = MachinesBlock.Make(s_machines);
        Assert.Equal(0, block.Length % 4);
        var read = MachinesBlock.Read(block.AsSpan(8, block.Length - 12));
        Assert.Equal(2, read.Count);
        Assert.All(read.Zip(s_machines), pair => Assert.True(pair.First.Says(pair.Second)));
        Assert.Empty(MachinesBlock.Make([]));
    }

    [Fact]
    public void HostileBytesGiveLess()
    {
        var block = MachinesBlock.Make(s_machines);
        var body = block[8..^4];
        for (var length = 0; length < body.Length; length++)
        {
            Assert.InRange(MachinesBlock.Read(body.AsSpan(0, length)).Count, 0, 2);
        }

        var random = new Random(7);
        for (var run = 0; run < 5000; run++)
        {
            var copy = body.ToArray();
            copy[random.Next(8, copy.Length)] = (byte)random.Next(256);
            Assert.InRange(MachinesBlock.Read(copy).Count, 0, MachinesBlock.MachinesMax);
        }
    }

    [Fact]
    public void LongNamesAndManyMachinesStayWithinTheBlock()
    {
        var name = new string('\u00fc', 5000);
        var many = Enumerable.Range(0, 5000).Select(i => new RecordedMachine($"{i}{name}", "", [], [], [])).ToList();
        var block = MachinesBlock.Make(many);
        Assert.InRange(block.Length, MachinesBlock.BytesMax / 2, MachinesBlock.BytesMax);
        var read = MachinesBlock.Read(block.AsSpan(8, block.Length - 12));
        Assert.NotEmpty(read);
        Assert.All(read, machine => Assert.StartsWith(machine.Name, many[read.IndexOf(machine)].Name, StringComparison.Ordinal));
    }
}
