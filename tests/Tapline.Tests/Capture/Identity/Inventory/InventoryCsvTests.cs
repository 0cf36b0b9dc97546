// Inventories as people and exports write them, and files that are none: every mistake has its line, nothing ever throws.
using System.Text;
using CsCheck;
using Tapline.Base;
using Tapline.Capture.Identity;
using Xunit;

namespace Tapline.Tests.Capture.Identity.Inventory;

public class InventoryCsvTests
{
    [Fact]
    public void AHandWrittenFileNamesByMacAddressAndPrefix()
    {
        var inventory = Good(
            "name,mac,ip,tags\nweb01,52:54:00:00:00:01,10.0.0.1,prod;web\n"
            + "db01,,\"10.0.0.2, 2001:db8::2\",prod\nbranch,,10.9.0.0/16,\n");
        Assert.Equal("web01", inventory.OfMac(0x525400000001)!.Name);
        Assert.Equal(["prod", "web"], inventory.OfMac(0x525400000001)!.Tags);
        Assert.Equal("db01", inventory.OfAddress(Address("10.0.0.2"))!.Name);
        Assert.Equal("db01", inventory.OfAddress(Address("2001:db8::2"))!.Name);
        Assert.Equal("branch", inventory.OfAddress(Address("10.9.200.1"))!.Name);
        Assert.Null(inventory.OfAddress(Address("10.10.0.1")));
        Assert.Null(inventory.OfMac(0));
        Assert.Null(inventory.OfMac(0x525400000002));
    }

    [Theory]
    // PowerCLI: Get-NetworkAdapter * | select Parent,Name,MacAddress | Export-Csv
    [InlineData(
        "#TYPE Selected\r\n\"Parent\",\"Name\",\"MacAddress\"\r\n\"web01\",\"Network adapter 1\",\"00:50:56:00:00:01\"\r\n",
        0x005056000001UL)]
    // Hyper-V: Get-VMNetworkAdapter * | select VMName,Name,MacAddress,IPAddresses | Export-Csv -Delimiter ';'
    [InlineData(
        "VMName;Name;MacAddress;IPAddresses\nweb01;Network Adapter;00155D012345;{10.0.0.1, fe80::1}\n", 0x00155D012345UL)]
    // RVTools, vNetwork, in a locale whose list separator is the semicolon, by way of a spreadsheet.
    [InlineData(
        "sep=;\nVM;Powerstate;Network;Mac Address;IPv4 Address\nweb01;poweredOn;VLAN 7;00-50-56-00-00-01;10.0.0.1\n",
        0x005056000001UL)]
    [InlineData("vm name\tHW addr\tIP Address\nweb01\t0050.5600.0001\t10.0.0.1\n", 0x005056000001UL)]
    public void ExportsOfHypervisorsAreUnderstoodAsTheyAre(string text, ulong mac)
    {
        var inventory = Good(text);
        Assert.Equal("web01", inventory.OfMac(mac)!.Name);
        Assert.Single(inventory.Vms);
    }

    [Fact]
    public void ByteOrderMarksTellTheEncoding()
    {
        const string Text = "name,mac\nwäb,52:54:00:00:00:01\n";
        foreach (var encoding in (Encoding[])[new UTF8Encoding(true), new UTF8Encoding(false), Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            byte[] bytes = [.. encoding.GetPreamble(), .. encoding.GetBytes(Text)];
            Assert.Equal("wäb", InventoryCsv.Read(bytes, out _)!.OfMac(0x525400000001)!.Name);
        }

        Assert.Null(InventoryCsv.Read([.. "name,mac\na,52:54:00:00:00:01\nw"u8, 0xE4, .. "b,\n"u8], out var mistakes));
        Assert.Equal("line 3: this is neither UTF-8 nor UTF-16; save the file as UTF-8.", mistakes.Single().ToString());
    }

    [Fact]
    public void AllMistakesAreToldAtOnceWithTheirLines()
    {
        Assert.Null(Read(
            "name,mac,ip\n,52:54:00:00:00:01,\n\"two\nlines\",52:54:00,\nweb01,52:54:00:00:00:02,10.0.0.1\n"
            + "web02,52:54:00:00:00:02,10.0.0.1/33\nweb03,,300.1.1.1\nweb04,\"52:54:00:00:00:03\"x,\nweb05,\"52:54", out var mistakes));
        Assert.Equal(
            [
                "line 2: this row names no VM; fill in its name or remove the row.",
                "line 3: '52:54:00' is not a MAC address; write six pairs of digits, such as 52:54:00:12:34:56.",
                "line 6: 52:54:00:00:00:02 belongs to web01 already, on line 5; one address is one VM's.",
                "line 6: '10.0.0.1/33' is not an IP address or prefix; write 10.0.0.5, 10.0.0.0/8 or 2001:db8::5.",
                "line 7: '300.1.1.1' is not an IP address or prefix; write 10.0.0.5, 10.0.0.0/8 or 2001:db8::5.",
                "line 8: text follows a closing quotation mark; double the quotation marks inside of a cell.",
                "line 9: the quotation mark that begins a cell here is never closed.",
            ],
            mistakes.Select(m => m.ToString()));
    }

    [Theory]
    [InlineData("", "line 1: the file is empty;")]
    [InlineData("\n\n", "line 1: the file is empty;")]
    [InlineData("web01,52:54:00:00:00:01\n", "line 1: no column is called name, vm or vmname, only: web01, 52:54:00:00:00:01;")]
    [InlineData("{\"name\": 1}", "line 1: no column is called name")]
    public void AFileWithoutTitlesIsRefusedWithTheMend(string text, string beginning)
    {
        Assert.Null(Read(text, out var mistakes));
        Assert.StartsWith(beginning, mistakes.Single().ToString(), StringComparison.Ordinal);
        Assert.EndsWith("for example: name,mac,ip,tags.", mistakes.Single().ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void RowsOfOneVmAreOneVmAndLinkLocalAddressesSayNothing()
    {
        var inventory = Good(
            "name,id,mac,ip,tags\nweb01,7,52:54:00:00:00:01,fe80::1,a\n"
            + "web01,7,52:54:00:00:00:02,\"169.254.1.1 10.0.0.1\",b\nweb01,8,,fe80::1,\n");
        Assert.Equal(2, inventory.Vms.Count);
        var first = inventory.OfId("7")!;
        Assert.Equal([0x525400000001UL, 0x525400000002UL], first.Macs);
        Assert.Equal(["a", "b"], first.Tags);
        Assert.Equal("10.0.0.1", first.Addresses.Single().ToString());
        Assert.Null(inventory.OfName("web01"));
    }

    [Fact]
    public void ALongerPrefixWins()
    {
        var inventory = Good(
            "name,prefix\nall,0.0.0.0/0\nsite,10.0.0.0/8\nnet,10.1.0.0/16\nhost,10.1.0.1\nsix,2001:db8::/32\n");
        (string Address, string? Name)[] cases =
        [
            ("10.1.0.1", "host"), ("10.1.0.2", "net"), ("10.2.0.1", "site"), ("192.0.2.1", "all"), ("2001:db8::1", "six"),
            ("2001:db9::1", null),
        ];
        Assert.All(cases, c => Assert.Equal(c.Name, inventory.OfAddress(Address(c.Address))?.Name));
    }

    [Fact]
    public void NamesComeOutCleanAndBounded()
    {
        var inventory = Good(
            $"name,mac,tags\n\"<b>\u001b[31m\nx{new string('w', 10_000)}\",52:54:00:00:00:01,"
            + $"\"\u202e;{string.Join(';', Enumerable.Range(0, 500))}\"\n");
        var vm = inventory.Vms.Single();
        Assert.StartsWith("<b>?[31m?xwww", vm.Name, StringComparison.Ordinal);
        Assert.Equal(Limits.HostileNameCharactersMax, vm.Name.Length);
        Assert.Equal(Limits.VmTagsMax, vm.Tags.Count);
        Assert.Contains("?", vm.Tags);
    }

    [Fact]
    public void ManyMistakesAreANumber()
    {
        Assert.Null(Read("name,mac\n" + string.Concat(Enumerable.Repeat("a,b\n", 1000)), out var mistakes));
        Assert.Equal(Limits.InventoryMistakesMax + 1, mistakes.Count);
        Assert.Contains($"{1000 - Limits.InventoryMistakesMax} more", mistakes[^1].Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsWrittenAsRfc4180IsReadBack() =>
        Gen.String[Gen.Char["ab ,;\"\n\r\t"], 0, 12].Array[1, 5].Array[1, 6].Sample(rows =>
        {
            var text = string.Concat(rows.Select(r =>
                string.Join(',', r.Select(c => '"' + c.Replace("\"", "\"\"", StringComparison.Ordinal) + '"')) + "\r\n"));
            var csv = new CsvText(text, ',');
            var cells = new List<string>();
            foreach (var row in rows.Where(r => r.Length > 1 || r[0].Trim().Length > 0))
            {
                Assert.True(csv.TryRead(cells));
                Assert.Null(csv.Fault);
                Assert.Equal(row.Select(c => c.Trim()), cells);
            }

            Assert.False(csv.TryRead(cells));
        });

    [Fact]
    public void AnyBytesAreAnInventoryOrMistakes() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        var inventory = InventoryCsv.Read(bytes, out var mistakes);
        Assert.Equal(inventory is null, mistakes.Count > 0);
        inventory = InventoryCsv.Read([.. "name,mac,ip\n"u8, .. bytes], out mistakes);
        Assert.Equal(inventory is null, mistakes.Count > 0);
    });

    private static VmInventory Good(string text)
    {
        var inventory = Read(text, out var mistakes);
        Assert.Empty(mistakes);
        return inventory!;
    }

    private static VmInventory? Read(string text, out IReadOnlyList<InventoryMistake> mistakes) =>
        InventoryCsv.Read(Encoding.UTF8.GetBytes(text), out mistakes);

    private static UInt128 Address(string text)
    {
        Assert.True(IpPrefix.TryParse(text, out var prefix));
        return prefix.Address;
    }
}
