// `tapline replay` on real interfaces: what arrives at the far end of a veth is the source, frame for frame and in order. The
// witness of super-frames is the query that writes them as a wire carries them, read by tcpdump.
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Lab.Proofs;
using Xunit;

namespace Tapline.Lab.Past;

public sealed class ReplayVerbTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    [Fact]
    public void A_recording_with_super_frames_arrives_as_a_wire_would_have_carried_it()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump");
        using (var lab = new LabSwitch(2))
        {
            using var record = lab.Host.Start(
                [TaplineProgram.Path(), "record", "--from", $"bridge:{lab.Bridge.Name}", "--data", _data, "--json"]);
            LabWait.Until(() => record.HasExited || record.Error.Contains("Recording", StringComparison.Ordinal), () => record.Error);
            TcpTransfer.Run(lab.Vms[0], lab.Vms[1], LabSwitch.Address(1), 5001, 8_000_000);
            record.Signal(15);
            Assert.Equal(0, record.WaitForExit());
        }

        LabCommand.Run(TaplineProgram.Path(), "query", "", "--data", _data, "--wire", "--write", Place("wire.pcapng"));
        LabCommand.Run("tcpdump", "-r", Place("wire.pcapng"), "-w", Place("wire.pcap"), "--time-stamp-precision=nano");
        var expected = PcapFile.Read(Place("wire.pcap"));
        var account = Arrives(expected, _data, "--speed", "max");
        Assert.True(account.GetProperty("sent").GetInt64() < expected.Count, "super-frames were recorded, else the test proves little");
    }

    [Fact]
    public void A_capture_file_arrives_at_twice_its_speed()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("tcpdump");
        const long Start = 1_700_000_000_000_000_000;
        var frames = Enumerable.Range(0, 500)
            .Select(i => new TimedFrame(Start + (i * 2_000_000L), [.. Enumerable.Range(0, 60 + i).Select(b => (byte)(b < 14 ? 2 : b + i))]))
            .ToList();
        PcapFile.Write(Place("in.pcap"), frames);
        var account = Arrives(frames, Place("in.pcap"), "--speed", "2");
        Assert.InRange(account.GetProperty("duration_ns").GetInt64(), 499_000_000, long.MaxValue);
        Assert.Equal(500, account.GetProperty("read").GetInt64());
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private JsonElement Arrives(List<TimedFrame> expected, string source, params string[] options)
    {
        using var sender = NetNamespace.Create("s");
        using var tool = NetNamespace.Create("t");
        using var wire = VethPair.Create(sender, tool);
        using var witness = tool.Start(
            "tcpdump", "-i", wire.Far, "-w", Place("out.pcap"), "-B", "65536", "-U", "--time-stamp-precision=nano");
        LabWait.Until(() => witness.Error.Contains("listening", StringComparison.Ordinal), "tcpdump to listen");
        var output = sender.Run([TaplineProgram.Path(), "replay", source, "--to", $"nic:{wire.Near}", "--json", .. options]);
        var account = JsonDocument.Parse(output).RootElement;
        Assert.True(account.GetProperty("complete").GetBoolean(), output);
        Assert.Equal(expected.Count, account.GetProperty("sent_wire_frames").GetInt64());
        LabWait.Until(() => PcapFile.Count(Place("out.pcap")) >= expected.Count, "all frames to be written down");
        witness.Signal(2);
        witness.WaitForExit();
        var arrived = PcapFile.Read(Place("out.pcap"));
        Assert.Equal(expected.Count, arrived.Count);
        for (var i = 0; i < arrived.Count; i++)
        {
            Assert.True(expected[i].Bytes.AsSpan().SequenceEqual(arrived[i].Bytes), $"frame {i} is another one");
        }

        return account;
    }

    private string Place(string name) => Path.Combine(_data, name);
}
