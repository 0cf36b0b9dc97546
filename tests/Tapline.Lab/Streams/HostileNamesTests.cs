// Machines and an interface whose names were chosen to do harm, from the kernel and an inventory through a real engine into a
// file, lists and snapshots: others read the file, and nothing that a terminal obeys comes out anywhere.
using System.Text;
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Streams;

[Trait("pace", "patient")]
public sealed class HostileNamesTests
{
    private const string Escape = "\u001b[31m\u001b]0;title\u0007";
    private const string HostilePort = "p\u001b[31m|$(x)";

    [Fact]
    public void Names_of_machines_and_interfaces_are_only_names_wherever_they_are_shown()
    {
        using var lab = new StreamLab();
        LabNeeds.Tools("capinfos");
        WriteInventory(lab["vms.csv"], lab.Network.Vms);
        File.WriteAllBytes(lab["bad.csv"], [.. "name,ip\nweb"u8, 0xff, 0xfe, 0xc3, .. ",10.9.0.1\n"u8]);
        var (exitCode, _, refusal) = lab.Host.TryRun(TaplineProgram.Path(), "points", "--inventory", lab["bad.csv"], "--libvirt", "none");
        Assert.Equal(2, exitCode);
        Assert.Contains("save the file as UTF-8", refusal, StringComparison.Ordinal);
        lab.Host.Ip("link", "set", lab.Port, "down");
        lab.Host.Ip("link", "set", lab.Port, "name", HostilePort);
        lab.Host.Ip("link", "set", HostilePort, "up");
        string[] order =
        [
            "--point", $"bridge:{lab.Network.Bridge.Name}", "--mirror", $"file:{lab["a.pcapng"]};session=s\u001b[31m\u0007;filter=udp",
            "--inventory", lab["vms.csv"], "--libvirt", "none",
        ];
        using var engine = LabEngine.Start(lab.Host, points: 2, order);
        LabWait.Until(() => Vms(engine).Count(v => v.StartsWith("web", StringComparison.Ordinal)) == 2, "the machines' names");
        lab.Send(100);
        LabWait.Until(() => StreamLab.Number(StreamLab.Session(engine.Snapshot()!.Value), "sent") >= 100, "the frames in the file");

        var names = Vms(engine);
        Assert.All(names, AssertIsPlain);
        Assert.Contains(names, n => n.StartsWith("web?[31m", StringComparison.Ordinal));
        Assert.All(names, n => Assert.InRange(n.Length, 1, 128));
        foreach (var words in (string[][])[["mirror", "list"], ["mirror", "list", "--json"], ["top", "--json"]])
        {
            var shown = lab.Host.Run([TaplineProgram.Path(), .. words, "--data", engine.Data]);
            Assert.All(shown.Split('\n'), AssertIsPlain);
            Assert.Contains("[31m", shown, StringComparison.Ordinal); // the name is shown, without what a terminal would obey
        }

        AssertIsPlain(lab.Host.Run(TaplineProgram.Path(), "points", "--inventory", lab["vms.csv"], "--libvirt", "none").Replace("\n", ""));
        engine.Stop();
        var fields = LabCommand.Run(
            "tshark", "-n", "-r", lab["a.pcapng"], "-T", "fields", "-e", "frame.interface_name", "-e", "frame.interface_description");
        var rows = fields.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(100, rows.Length);
        Assert.All(rows, r => AssertIsPlain(r.Replace("\t", "", StringComparison.Ordinal)));
        Assert.All(rows, r => Assert.StartsWith("p?[31m|$(x)\tVM web", r, StringComparison.Ordinal));
        Assert.All(LabCommand.Run("capinfos", lab["a.pcapng"]).Split('\n'), AssertIsPlain);
    }

    // One name with terminal sequences and the bytes that end a block's options, one of 4 KB.
    private static void WriteInventory(string path, IReadOnlyList<NetNamespace> vms)
    {
        byte[][] names =
        [
            Encoding.UTF8.GetBytes($"web{Escape}\0\0\0\0\u202e"),
            Encoding.UTF8.GetBytes("web" + new string('ä', 2048)),
        ];
        using var file = File.Create(path);
        file.Write("name,mac\n"u8);
        for (var i = 0; i < names.Length; i++)
        {
            file.Write(names[i]);
            file.Write(Encoding.ASCII.GetBytes($",{vms[i].Run("cat", "/sys/class/net/eth0/address").Trim()}\n"));
        }
    }

    private static List<string> Vms(LabEngine engine) => [.. engine.Snapshot()!.Value.GetProperty("points").EnumerateArray()
        .Select(p => p.TryGetProperty("vm", out var vm) ? vm.GetString()! : "none")];

    private static void AssertIsPlain(string text) => Assert.DoesNotContain(text, c => char.IsControl(c) || c == '\u202e');
}
