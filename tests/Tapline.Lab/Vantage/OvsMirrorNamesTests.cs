// Sessions whose sources are named as Open vSwitch names them: iface-id, VM id, MAC address. A real engine on the userspace
// datapath; sessions added while it runs; words that the database is given later are followed.
using Tapline.Lab.Capture;
using Tapline.Lab.Mirror;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Vantage;

[Trait("pace", "patient")]
public sealed class OvsMirrorNamesTests
{
    private const int Pings = 5;

    [Fact]
    public void A_running_engine_takes_every_word_that_the_database_has_for_a_port()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "ping");
        using var host = NetNamespace.Create("h");
        using var left = NetNamespace.Create("l");
        using var right = NetNamespace.Create("r");
        using var tool = NetNamespace.Create("t");
        using var ovs = OvsSwitch.Create(host);
        using var toolPort = VethPair.Create(host, tool, "tool", "eth0");
        host.Run("ethtool", "-K", "tool", "tx", "off");
        ovs.AddBridge("br-int");
        var a = ovs.AddPort(
            "br-int", left, "10.9.0.1/24", "external_ids:iface-id=port-a", "external_ids:vm-uuid=uuid-a",
            "external_ids:attached-mac=\"52:54:00:00:00:0a\"");
        var b = ovs.AddPort("br-int", right, "10.9.0.2/24");
        left.Run("ping", "-c", "1", "-W", "5", "10.9.0.2");
        using var sender = left.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        var before = Entered();
        using var engine = LabEngine.Start(
            host, points: 2, "--point", "ovs:br-int", "--ovs-database", ovs.Database, "--libvirt", "none", "--workers", "1");
        foreach (var mode in (string[])["kernel", "user"])
        {
            foreach (var word in (string[])["port-a", "uuid-a", "52:54:00:00:00:0a", "port-*"])
            {
                using var named = ToolReader.Open(tool, "eth0");
                Mirror("add", $"nic:tool;session=s;from=vm:{word};mode={mode};filter=icmp");
                Assert.Equal((Pings, 0), Copies(named, Pings));
                Mirror("remove", "s");
            }

            // The database learns the other port's word while the session runs, and forgets it again.
            using var reader = ToolReader.Open(tool, "eth0");
            Mirror("add", $"nic:tool;session=s;from=vm:port-b;mode={mode};filter=icmp");
            Assert.Equal((0, 0), Copies(reader, Pings));
            ovs.Vsctl("set", "interface", b.Near, "external_ids:iface-id=port-b");
            LabWait.Until(() => Copies(reader, 1) == (0, 1), "the new word to be followed");
            Assert.Equal((0, Pings), Copies(reader, Pings));
            ovs.Vsctl("remove", "interface", b.Near, "external_ids", "iface-id");
            LabWait.Until(() => Copies(reader, 1) == (0, 0), "the word to be forgotten");
            Assert.Equal((0, 0), Copies(reader, Pings));
            Mirror("remove", "s");
        }

        using var selected = ToolReader.Open(tool, "eth0");
        Mirror("add", "nic:tool;session=s;filter=icmp and vm port-a;mode=user");
        var (requests, answers) = Copies(selected, Pings);
        Assert.Equal((Pings, Pings), (requests, answers));
        engine.Stop();

        // Requests come in by the left machine's port, answers by the right one's.
        (int Requests, int Answers) Copies(ToolReader reader, int pings)
        {
            var (requestsBefore, answersBefore) = (Echoes(reader, 8), Echoes(reader, 0));
            left.Run("ping", "-c", $"{pings}", "-i", "0.05", "-W", "5", "10.9.0.2");
            engine.WaitForAnalysed(Entered() - before);

            // When the one worker has come to a later frame, the copies of the earlier ones have left.
            Assert.True(sender.Send(TestFrames.Udp(1, 1)));
            engine.WaitForAnalysed(Entered() - before);
            LabWait.Until(() => reader.Count >= Sent(), "the copies at the tool");
            return (Echoes(reader, 8) - requestsBefore, Echoes(reader, 0) - answersBefore);
        }

        long Sent() => engine.Snapshot()!.Value.GetProperty("mirrors")[0].GetProperty("sent").GetInt64();

        int Echoes(ToolReader reader, byte type)
        {
            // The reader appends meanwhile; the list only grows.
            var count = 0;
            for (var i = 0; i < reader.Count; i++)
            {
                var frame = reader.Frames[i];
                count += frame.Length > 34 && frame[12] == 8 && frame[13] == 0 && frame[23] == 1 && frame[34] == type ? 1 : 0;
            }

            return count;
        }

        long Entered() => host.Statistic(a.Near, "rx_packets") + host.Statistic(b.Near, "rx_packets");

        void Mirror(string verb, string what) => host.Run(TaplineProgram.Path(), "mirror", verb, what, "--data", engine.Data);
    }
}
