// Policy by name and tag with real guests: a mirror session that was told machines, not ports, copies each frame of theirs once,
// whatever comes, goes, is cloned or plugged in, and nobody else's; and the inventory that gives the tags may change meanwhile.
using System.Text.Json;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Machines;

[Trait("pace", "patient")]
public sealed class MirrorFollowTests
{
    private const string WebUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000001";
    private const string CloneUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000002";
    private const int Pings = 3;
    private const byte EchoRequest = 8;
    private const byte EchoReply = 0;
    private const string DbUuid = "6c1f3f5e-0d6c-4f3c-9a51-000000000003";

    [Fact]
    public void Sessions_of_both_paths_follow_machines_by_name_and_tag()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var bridge = Bridge.Create(host);
        using var userPort = VethPair.Create(host, tool, LabNames.Next("tp"), "eth0");
        using var kernelPort = VethPair.Create(host, tool, LabNames.Next("tp"), "eth1");
        // A port that hands super-frames on would make the kernel path hand them to the tool.
        host.Run("ethtool", "-K", kernelPort.Near, "tx", "off");
        using var userReader = ToolReader.Open(tool, "eth0");
        using var kernelReader = ToolReader.Open(tool, "eth1");
        using var folder = new LabFolder();
        var inventory = Path.Combine(folder.Path, "vms.csv");
        File.WriteAllText(inventory, $"name,id,tags\ndb01,{DbUuid},\n");
        using var engine = LabEngine.Start(
            host, 0, "--point", "vm:web*", "--point", "tag:watched", "--inventory", inventory, "--libvirt", "none",
            "--mirror", $"nic:{userPort.Near};from=vm:web*,tag:watched;mode=user",
            "--mirror", $"nic:{kernelPort.Near};from=vm:web*,tag:watched;mode=kernel");

        using var web = LabMachine.Start(host, bridge, "web01", WebUuid, new LabNic("52:54:00:00:00:01", "10.9.0.1/24"));
        using var db = LabMachine.Start(host, bridge, "db01", DbUuid, new LabNic("52:54:00:00:00:03", "10.9.0.3/24"));
        web.WaitUp();
        db.WaitUp();
        WaitUp(engine, web.Nics[0], "web01");
        Ping(web, "10.9.0.3", size: 100);

        // A tag that is given to a running machine takes effect; a tag that is taken away, too.
        File.WriteAllText(inventory, $"name,id,tags\ndb01,{DbUuid},\"watched, x\"\n");
        WaitUp(engine, db.Nics[0], "db01");
        Ping(web, "10.9.0.3", size: 200);
        File.WriteAllText(inventory, $"name,id,tags\ndb01,{DbUuid},other\n");
        LabWait.Until(() => StateOf(engine, db.Nics[0]) == "gone", "the port without its tag to be let go");
        Ping(web, "10.9.0.3", size: 300);

        var plugged = new LabNic("52:54:00:00:00:11");
        web.Plug(plugged);
        WaitUp(engine, plugged, "web01");
        LabWait.Until(() => Try(() => web.Run("ip link set eth1 up")), "the guest's new NIC");
        web.Run("ip address add 10.9.1.1/24 dev eth1");
        db.Run("ip address add 10.9.1.3/24 dev eth0");
        Ping(web, "10.9.1.3", size: 400);

        // A machine stops, and a clone of it has its name: another identity, followed as well. The first one goes on.
        var clone = LabMachine.Start(host, bridge, "web01", CloneUuid, new LabNic("52:54:00:00:00:02", "10.9.0.2/24"));
        using (clone)
        {
            clone.WaitUp();
            WaitUp(engine, clone.Nics[0], "web01");
            Ping(clone, "10.9.0.3", size: 500);
            clone.Stop();
        }

        Ping(web, "10.9.0.3", size: 600);
        var ledger = engine.Stop();
        var mirrors = ledger.GetProperty("mirrors").EnumerateArray().ToArray();
        foreach (var (reader, mode) in ((ToolReader, string)[])[(userReader, "user"), (kernelReader, "kernel")])
        {
            var mirror = Assert.Single(mirrors, m => m.GetProperty("mode").GetString() == mode);
            var sent = mirror.GetProperty("sent").GetInt64();
            Assert.Equal(mirror.GetProperty("offered").GetInt64(), sent);
            Assert.Equal(sent, ledger.GetProperty("points").EnumerateArray().Sum(p => p.GetProperty("captured").GetInt64()));
            reader.StopAfter(sent);
            Assert.Equal(sent, reader.Frames.Count);
            foreach (var size in (int[])[100, 200, 300, 600])
            {
                Assert.Equal(Pings, Echoes(reader, web.Nics[0], size, EchoRequest));
                // What the other machine answers is copied while it has the tag, and then only.
                Assert.Equal(size == 200 ? Pings : 0, Echoes(reader, db.Nics[0], size, EchoReply));
            }

            Assert.Equal(Pings, Echoes(reader, plugged, 400, EchoRequest));
            Assert.Equal(Pings, Echoes(reader, clone.Nics[0], 500, EchoRequest));
            Assert.Equal(0, Echoes(reader, db.Nics[0], 400, EchoReply) + Echoes(reader, db.Nics[0], 500, EchoReply));
        }
    }

    [Fact]
    public void Hostile_names_stay_text_wherever_they_come_out()
    {
        LabNeeds.Namespaces();
        var name = "../../x\u001b]0;evil\u0007\r\n<script>alert(1)</script>\u202e\"';|$(reboot)" + new string('w', 10_000);
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host);
        using var folder = new LabFolder();
        var inventory = Path.Combine(folder.Path, "vms.csv");
        File.WriteAllText(inventory, $"name,id,tags\nnobody,x,\nsecond,{WebUuid},\"<img>\u001b[2J\n;{new string('t', 9000)}\"\n");
        using var guest = LabMachine.Start(host, bridge, name, null, new LabNic("52:54:00:00:00:01", "10.9.0.1/24"));
        using var other = LabMachine.Start(host, bridge, "x", WebUuid, new LabNic("52:54:00:00:00:02", "10.9.0.2/24"));
        using var engine = LabEngine.Start(
            host, 2, "--point", "vm:*", "--inventory", inventory, "--libvirt", "none", "--record", folder.Path);
        guest.WaitUp();
        other.WaitUp();
        LabWait.Until(() => VmOf(engine, guest.Nics[0])?.Contains("evil", StringComparison.Ordinal) == true, "the guest's name");
        guest.Run("ping -c 3 -W 5 10.9.0.2");

        foreach (var form in (string[][])[[], ["--json"]])
        {
            var (exitCode, output, error) = host.TryRun(
                [TaplineProgram.Path(), "points", "--inventory", inventory, "--libvirt", "none", .. form]);
            Assert.Equal((0, ""), (exitCode, error));
            Assert.DoesNotContain(output, c => char.IsControl(c) && c != '\n');
            Assert.DoesNotContain('\u202e', output);
            Assert.DoesNotContain(new string('w', 200), output);
            Assert.Contains("evil", output, StringComparison.Ordinal);
        }

        foreach (var line in host.Run(TaplineProgram.Path(), "points", "--json", "--libvirt", "none").TrimEnd().Split('\n'))
        {
            using var point = JsonDocument.Parse(line);
            Assert.True(!point.RootElement.TryGetProperty("vm", out var vm) || vm.GetString()!.Length <= 128);
        }

        Assert.InRange(VmOf(engine, guest.Nics[0])!.Length, 1, 128);
        engine.Stop();
        Assert.All(
            Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories),
            path => Assert.Matches("^[A-Za-z0-9_.-]+$", Path.GetFileName(path)));
        Assert.False(File.Exists(Path.GetFullPath(Path.Combine(folder.Path, "../../x"))));
    }

    private static void WaitUp(LabEngine engine, LabNic nic, string name) => LabWait.Until(
        () => StateOf(engine, nic) == "up" && VmOf(engine, nic) == name,
        () => $"{nic.Tap} to be captured as {name}: {engine.Snapshot()?.GetProperty("points")}");

    private static string? StateOf(LabEngine engine, LabNic nic) => Point(engine, nic)?.GetProperty("state").GetString();

    private static string? VmOf(LabEngine engine, LabNic nic) =>
        Point(engine, nic) is { } point && point.TryGetProperty("vm", out var vm) ? vm.GetString() : null;

    private static JsonElement? Point(LabEngine engine, LabNic nic)
    {
        foreach (var point in engine.Snapshot()?.GetProperty("points").EnumerateArray() ?? default)
        {
            if (point.GetProperty("point").GetString() == nic.Tap)
            {
                return point;
            }
        }

        return null;
    }

    private static bool Try(Func<string> run)
    {
        try
        {
            run();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void Ping(LabMachine from, string to, int size) => from.Run($"ping -c {Pings} -W 5 -s {size} {to}");

    /// <summary>Echo messages of one kind and size that the NIC sent, as the tool got them.</summary>
    private static int Echoes(ToolReader reader, LabNic nic, int size, byte type)
    {
        const int MacOffset = 6;
        const int ProtocolOffset = 23;
        const int IcmpOffset = 14 + 20;
        const byte Icmp = 1;
        var mac = Convert.FromHexString(nic.Mac.Replace(":", "", StringComparison.Ordinal));
        return reader.Frames.Count(f => f.Length == IcmpOffset + 8 + size && f[ProtocolOffset] == Icmp && f[IcmpOffset] == type
            && f.AsSpan(MacOffset, mac.Length).SequenceEqual(mac));
    }
}
