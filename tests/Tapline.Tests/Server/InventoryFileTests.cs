// Inventory files in both forms: the same VMs come out, and mistakes carry the file's name and line.
using CsCheck;
using Tapline.Capture.Identity;
using Tapline.Server.Config;
using Xunit;

namespace Tapline.Tests.Server;

public sealed class InventoryFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tapline-test-").FullName;

    [Theory]
    [InlineData("vms.csv", "name,id,mac,ip,tags\nweb01,7,52:54:00:00:00:01,\"10.0.0.1,10.1.0.0/16\",prod;web\n")]
    [InlineData("vms.txt", "name;id;mac;ip;tags\nweb01;7;52:54:00:00:00:01;10.0.0.1 10.1.0.0/16;\"prod,web\"\n")]
    [InlineData("vms.yaml", "- name: web01\n  id: 7\n  mac: 52:54:00:00:00:01\n  ip: [10.0.0.1, 10.1.0.0/16]\n  tags: [prod, web]\n")]
    [InlineData("vms.yml", "vms:\n- {name: web01, id: 7, mac: '525400000001', ip: 10.0.0.1 10.1.0.0/16, tags: 'web; prod'}\n")]
    [InlineData("vms.json",
        """[{"name":"web01","id":"7","mac":"52:54:00:00:00:01","ip":["10.0.0.1","10.1.0.0/16"],"tags":["web","prod"]}]""")]
    public void BothFormsGiveTheSame(string name, string text)
    {
        var inventory = Read(name, text, out var mistakes);
        Assert.Empty(mistakes);
        var vm = Assert.Single(inventory!.Vms);
        Assert.Equal(("web01", "7", "inventory"), (vm.Name, vm.Id, vm.Source));
        Assert.Equal([0x525400000001UL], vm.Macs);
        Assert.Equal(["10.0.0.1", "10.1.0.0/16"], vm.Addresses.Select(a => a.ToString()));
        Assert.Equal(["prod", "web"], vm.Tags);
    }

    [Theory]
    [InlineData("a.csv", "name,mac\nweb01,x\n,y\n", "line 2: 'x' is not a MAC", "line 3: this row names no VM")]
    [InlineData("a.yaml", "- name: web01\n  mac: x\n- mac: y\n- 7\n- name: {a: b}\n",
        "line 1: 'x' is not a MAC", "line 3: this row names no VM", "line 4: each VM is a section", "line 5: a VM's values are texts",
        "line 5: this row names no VM")]
    [InlineData("a.yaml", "name: web01\n", "line 1: an inventory is a list of sections")]
    [InlineData("a.yaml", "", "line 1: the file is empty")]
    [InlineData("a.yaml", "- ]", "line 1: This is not YAML:")]
    [InlineData("a.json", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "line 1: This is not YAML: nested deeper")]
    [InlineData("a.csv", "", "line 1: the file is empty")]
    public void MistakesAreToldAtOnceWithFileAndLine(string name, string text, params string[] beginnings)
    {
        Assert.Null(Read(name, text, out var mistakes));
        Assert.Equal(beginnings.Length, mistakes.Count);
        Assert.All(mistakes.Zip(beginnings), m =>
            Assert.StartsWith($"{Path.Combine(_folder, name)}: {m.Second}", m.First, StringComparison.Ordinal));
    }

    [Fact]
    public void AFileThatIsNotThereIsOneSentence()
    {
        Assert.Null(InventoryFile.Read(Path.Combine(_folder, "none.csv"), out var mistakes));
        Assert.StartsWith("The inventory cannot be read: ", Assert.Single(mistakes), StringComparison.Ordinal);
        Assert.Null(InventoryFile.Read(_folder, out mistakes));
        Assert.Single(mistakes);
    }

    [Fact]
    public void AFileWithoutEndIsNotReadToItsEnd()
    {
        var path = Path.Combine(_folder, "huge.yaml");
        using (var file = File.Create(path))
        {
            file.SetLength(1L << 40);
        }

        Assert.Null(InventoryFile.Read(path, out var mistakes));
        Assert.Contains("larger than 4 MiB", Assert.Single(mistakes), StringComparison.Ordinal);
    }

    [Fact]
    public void AnyYamlIsAnInventoryOrMistakes() =>
        Gen.String[Gen.Char["-: {}[]&*!|>'\"#\n amcipng1"], 0, 60].Sample(text =>
        {
            var inventory = Read("fuzz.yaml", "- name: a\n" + text, out var mistakes);
            Assert.Equal(inventory is null, mistakes.Count > 0);
        }, iter: 2000);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private VmInventory? Read(string name, string text, out IReadOnlyList<string> mistakes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return InventoryFile.Read(path, out mistakes);
    }
}
