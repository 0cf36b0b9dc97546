// What a reader that does not keep up gets: of two flows alike, the one in which something went wrong, whole from there on.
// A real engine with flow accounting, a real pipe, a reader that is stopped for a while.
using System.Buffers.Binary;
using System.Text.Json;
using Tapline.Lab.Capture;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Lab.Streams;

public sealed class SlowReaderTests
{
    private const int Sigcont = 18;
    private const int Sigstop = 19;
    private const int Healthy = 40_000;
    private const int Sick = 40_001;
    private const int Server = 80;
    private const int PayloadBytes = 1000;
    private const int Chunk = 500;

    [Fact]
    public void It_gets_the_flow_with_retransmissions_and_not_the_healthy_one()
    {
        LabNeeds.Tools("mkfifo", "dd");
        using var lab = new StreamLab();

        // Frames as they are sent: none merged on the way.
        lab.Host.Run("ethtool", "-K", lab.Port, "gro", "off");
        LabCommand.Run("mkfifo", lab["pipe"]);
        using var reader = LabProcess.Start("dd", $"if={lab["pipe"]}", $"of={lab["copy"]}", "bs=64k", "status=none");
        using var engine = LabEngine.Start(
            lab.Host, points: 2, "--point", $"bridge:{lab.Network.Bridge.Name}",
            "--mirror", $"file:{lab["pipe"]};session=s;filter=tcp port {Server}");
        using var sender = lab.Network.Vms[0].Enter(() => new RawSender(LinkIndex.Of("eth0")));
        var (sent, healthy, sick) = (0, 0, 0);
        for (; healthy < 20; healthy++)
        {
            Send(Data(Healthy, healthy), Data(Sick, sick++));
        }

        LabWait.Until(() => Sent(engine) == sent, "the first frames to leave");
        reader.Signal(Sigstop);

        // Until the buffer is half full: then nothing more is taken of either flow.
        while (Shed(engine) == 0)
        {
            Assert.True(healthy < 60_000, "the buffer has an end");
            SendChunk(() => Send(Data(Healthy, healthy++)));
        }

        var sickBefore = sick;
        SendChunk(() => Send(Data(Sick, sick++)));

        // What was acknowledged is sent again: from here on the flow is one that an engineer would look at.
        var (healthySince, sickSince) = (healthy, sick);
        Send(Acknowledge(Sick, sick), Data(Sick, sick - 1));
        for (var i = 0; i < 4; i++)
        {
            SendChunk(() => Send(Data(Healthy, healthy++), Data(Sick, sick++)));
        }

        engine.WaitForAnalysed(lab.Network.Rest());
        reader.Signal(Sigcont);
        LabWait.Until(() => Sent(engine) + Shed(engine) == sent, "the reader to catch up");
        var session = StreamLab.Session(engine.Stop());
        Assert.Equal(0, reader.WaitForExit());
        Assert.Equal(Shed(session), StreamLab.Dropped(session));
        Assert.Equal(sent, StreamLab.Number(session, "sent") + Shed(session));
        var frames = StreamLab.Frames(lab["copy"]);
        Assert.Equal(StreamLab.Number(session, "sent"), frames.Count);
        var ofSick = Numbers(frames, Sick);
        Assert.Equal(Enumerable.Range(0, sickBefore).Append(sickSince - 1).Concat(Enumerable.Range(sickSince, sick - sickSince)), ofSick);
        Assert.True(Numbers(frames, Healthy).Max() < healthySince, "the healthy flow had to wait");

        void Send(params byte[][] those)
        {
            foreach (var frame in those)
            {
                Assert.True(sender.Send(frame));
                sent++;
            }
        }

        void SendChunk(Action one)
        {
            var before = engine.Sum("captured");
            var sentBefore = sent;
            for (var i = 0; i < Chunk; i++)
            {
                one();
            }

            LabWait.Until(() => engine.Sum("analysed") >= before + sent - sentBefore, "the engine to have seen them");
            Assert.Equal(0, engine.Sum("dropped_ring"));
        }
    }

    private static byte[] Data(int port, int number) => new FrameBuilder().Ethernet().Ipv4()
        .Tcp(port, Server, TcpFlag.Ack, (uint)(1 + (number * PayloadBytes)), 1).Payload(PayloadBytes).Build();

    private static byte[] Acknowledge(int port, int next) => new FrameBuilder().Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
        .Ipv4("10.0.0.2", "10.0.0.1").Tcp(Server, port, TcpFlag.Ack, 1, (uint)(1 + (next * PayloadBytes))).Build();

    private static List<int> Numbers(List<string> frames, int port) => [.. frames
        .Select(Convert.FromHexString)
        .Where(f => BinaryPrimitives.ReadUInt16BigEndian(f.AsSpan(34)) == port)
        .Select(f => (int)((BinaryPrimitives.ReadUInt32BigEndian(f.AsSpan(38)) - 1) / PayloadBytes))
        .Order()];

    private static long Sent(LabEngine engine) => StreamLab.Number(Session(engine), "sent");

    private static long Shed(LabEngine engine) => Shed(Session(engine));

    private static long Shed(JsonElement session) => session.GetProperty("dropped").GetProperty("shed").GetInt64();

    private static JsonElement Session(LabEngine engine) => StreamLab.Session(engine.Snapshot()!.Value);
}
