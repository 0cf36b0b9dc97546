// The engine's ear, with clients that are slow, loud, rude or gone.
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Tapline.Base.Native;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class ControlSocketTests
{
    [Theory]
    [InlineData("{\"verb\":\"snapshot\"}", "\"n\":")]
    [InlineData("{\"top\":3,\"verb\":\"flows\",\"extra\":{\"a\":[1,2]}}", "\"top\":3")]
    [InlineData("{\"verb\":\"flows\",\"top\":1e9}", "\"top\":20")]
    [InlineData("{\"verb\":\"flows\",\"top\":-4}", "\"top\":1")]
    [InlineData("{\"verb\":\"flows\",\"top\":100000}", "\"top\":200")]
    [InlineData("{\"verb\":\"stop\"}", "\"stopping\":true")]
    [InlineData("{\"verb\":\"dance\"}", "\"error\":")]
    [InlineData("{\"verb\":", "\"error\":")]
    [InlineData("{\"verb\"", "\"error\":")]
    [InlineData("[]", "\"error\":")]
    [InlineData("{} {}", "\"error\":")]
    [InlineData("", "\"error\":")]
    [InlineData("\u0000\u0001", "\"error\":")]
    [InlineData("{\"verb\":\"snapshot\"}\r", "\"n\":")]
    public void EachLineGetsOneAnswer(string request, string expected)
    {
        using var folder = new TemporaryFolder();
        using var socket = Open(folder, new Answers());
        using var client = new Client(folder["s"]);
        for (var i = 0; i < 3; i++)
        {
            var answer = client.Ask(request);
            Assert.Contains(expected, answer, StringComparison.Ordinal);
            JsonDocument.Parse(answer!).Dispose();
        }
    }

    [Theory]
    [InlineData("{\"session\":\"a\",\"to\":\"nic:x\"}", null)]
    [InlineData("{\"to\":\"nic:x\",\"session\":\"a\",\"from\":[\"vm:w\",\"p*\"],\"filter\":\"tcp\",\"shape\":\"slice=64\"}", null)]
    [InlineData("{\"session\":\"a\"}", "target")]
    [InlineData("{\"session\":\"a\",\"to\":\"nic:x\",\"slize\":1}", "slize")]
    [InlineData("{\"session\":\"a\",\"to\":\"nic:x\",\"shape\":1}", "shape")]
    [InlineData("{\"session\":\"a\",\"to\":\"nic:x\",\"from\":[1]}", "from")]
    [InlineData("{\"session\":[],\"to\":\"nic:x\"}", "session")]
    [InlineData("{\"session\":\"\\ud800\",\"to\":\"nic:x\"}", "JSON")]
    [InlineData("7", "object")]
    [InlineData("[[]]", "object")]
    public void ASessionIsAddedAsOrderedOrRefusedWithASentence(string mirror, string? mistake)
    {
        using var folder = new TemporaryFolder();
        var answers = new Answers();
        using var socket = Open(folder, answers);
        using var client = new Client(folder["s"]);
        var answer = JsonDocument.Parse(client.Ask($"{{\"verb\":\"mirror_add\",\"mirror\":{mirror}}}")!).RootElement;
        if (mistake is not null)
        {
            Assert.Contains(mistake, answer.GetProperty("error").GetString(), StringComparison.Ordinal);
            Assert.Empty(answers.Mirrors);
            return;
        }

        var plan = Assert.Single(answers.Mirrors);
        var wanted = JsonDocument.Parse(mirror).RootElement;
        Assert.True(JsonElement.DeepEquals(wanted, answer.GetProperty("mirrors")[0]), answer.GetRawText());
        Assert.Equal(plan, plan with { From = [.. plan.From] });
        Assert.Contains("\"mirrors\":[]", client.Ask("{\"verb\":\"mirror_remove\",\"session\":\"a\"}"), StringComparison.Ordinal);
        Assert.Contains("There is none.", client.Ask("{\"verb\":\"mirror_remove\",\"session\":\"a\"}"), StringComparison.Ordinal);
    }

    [Fact]
    public void RequestsInOnePieceOrByteByByteAreTheSame()
    {
        using var folder = new TemporaryFolder();
        using var socket = Open(folder, new Answers());
        using var client = new Client(folder["s"]);
        client.Send("{\"verb\":\"snapshot\"}\n{\"verb\":\"x\"}\n{\"verb\":\"snapshot\"}\n");
        Assert.Contains("\"n\":1", client.Line(), StringComparison.Ordinal);
        Assert.Contains("error", client.Line(), StringComparison.Ordinal);
        Assert.Contains("\"n\":2", client.Line(), StringComparison.Ordinal);
        foreach (var c in "{\"verb\":\"snapshot\"}\n")
        {
            client.Send(c.ToString());
        }

        Assert.Contains("\"n\":3", client.Line(), StringComparison.Ordinal);
    }

    [Fact]
    public void ALineWithoutEndClosesTheConnectionAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        using var socket = Open(folder, new Answers());
        using var loud = new Client(folder["s"]);
        using var polite = new Client(folder["s"]);
        loud.Send(new string('x', ControlRequest.LineBytesMax));
        Assert.Null(loud.Line());
        Assert.Contains("\"n\":1", polite.Ask("{\"verb\":\"snapshot\"}"), StringComparison.Ordinal);
    }

    [Fact]
    public void AClientThatDoesNotReadHoldsNobodyUp()
    {
        using var folder = new TemporaryFolder();
        using var socket = Open(folder, new Answers { FillBytes = 1 << 20 });
        using var slow = new Client(folder["s"]);
        using var polite = new Client(folder["s"]);
        for (var i = 0; i < 10; i++)
        {
            slow.Send("{\"verb\":\"snapshot\"}\n");
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.Contains("\"n\":", polite.Ask("{\"verb\":\"snapshot\"}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void OneClientTooManyIsClosedAndRoomIsMadeWhenOneLeaves()
    {
        using var folder = new TemporaryFolder();
        using var socket = Open(folder, new Answers());
        var clients = Enumerable.Range(0, 16).Select(_ => new Client(folder["s"])).ToList();
        clients.ForEach(c => Assert.NotNull(c.Ask("{\"verb\":\"snapshot\"}")));
        using (var tooMany = new Client(folder["s"]))
        {
            Assert.Null(tooMany.Ask("{\"verb\":\"snapshot\"}"));
        }

        clients[3].Dispose();
        Assert.True(Await.Until(() =>
        {
            using var next = new Client(folder["s"]);
            return next.Ask("{\"verb\":\"snapshot\"}") is not null;
        }));
        clients.ForEach(c => c.Dispose());
    }

    [Fact]
    public void TheSteadyStateAllocatesNothing()
    {
        using var folder = new TemporaryFolder();
        var answers = new Answers { FillBytes = 50_000 };
        using var socket = Open(folder, answers);
        using var client = new Client(folder["s"]);
        for (var i = 0; i < 200; i++)
        {
            client.AskQuietly();
        }

        var asked = 200;
        Assert.Equal(0, Allocations.LeastMeasuredOf(() =>
        {
            var before = answers.AllocatedBytes;
            for (var i = 0; i < 500; i++)
            {
                client.AskQuietly();
            }

            asked += 500;
            return answers.AllocatedBytes - before;
        }));
        Assert.Equal(asked, answers.Snapshots);
    }

    [Fact]
    public void ASecondEngineIsRefusedAndALeftOverSocketIsReplaced()
    {
        using var folder = new TemporaryFolder();
        using (Open(folder, new Answers()))
        {
            Assert.Null(ControlSocket.Open(folder["s"], new Answers(), out var fault));
            Assert.Contains("Another engine", fault, StringComparison.Ordinal);
        }

        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(folder["t"]));
        }

        File.WriteAllText(folder["s"], "left over");
        using var again = Open(folder, new Answers());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(folder["s"]));
    }

    [Fact]
    public void APathTooLongForTheKernelIsSaid()
    {
        Assert.Null(UnixServer.Open("/tmp/" + new string('x', 120), 1, 0, out var fault));
        Assert.Contains("shorter", fault, StringComparison.Ordinal);
    }

    private static ControlSocket Open(TemporaryFolder folder, Answers answers)
    {
        var socket = ControlSocket.Open(folder["s"], answers, out var fault);
        Assert.Null(fault);
        return socket!;
    }

    private sealed class Answers : IControlAnswers
    {
        private int _snapshots;
        private long _allocated;

        public int FillBytes { get; init; }

        public List<MirrorPlan> Mirrors { get; } = [];

        public int Snapshots => Volatile.Read(ref _snapshots);

        /// <summary>What the control thread has allocated, as of its last answer.</summary>
        public long AllocatedBytes => Volatile.Read(ref _allocated);

        public void WriteSnapshot(Utf8JsonWriter json)
        {
            Volatile.Write(ref _allocated, GC.GetAllocatedBytesForCurrentThread());
            json.WriteNumber("n"u8, Interlocked.Increment(ref _snapshots));
            json.WriteStartArray("fill"u8);
            for (var i = 0; i < FillBytes; i += 10)
            {
                json.WriteNumberValue(123_456_789L);
            }

            json.WriteEndArray();
        }

        public void WarmUp(Utf8JsonWriter json) => _snapshots = 0;

        public void WriteFlows(Utf8JsonWriter json, int top) => json.WriteNumber("top"u8, top);

        public void WriteMirrors(Utf8JsonWriter json)
        {
            json.WriteStartArray("mirrors"u8);
            foreach (var mirror in Mirrors)
            {
                json.WriteStartObject();
                MirrorPlanJson.Write(json, mirror);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        public string? AddMirror(MirrorPlan plan)
        {
            Mirrors.Add(plan);
            return null;
        }

        public string? RemoveMirror(string session) =>
            Mirrors.RemoveAll(m => m.Session == session) == 0 ? "There is none." : null;

        public void RequestStop()
        {
        }
    }

    private sealed class Client : IDisposable
    {
        private static readonly byte[] s_snapshot = "{\"verb\":\"snapshot\"}\n"u8.ToArray();
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly StreamReader _reader;
        private readonly byte[] _buffer = new byte[1 << 20];

        public Client(string path)
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            _reader = new StreamReader(new NetworkStream(_socket, ownsSocket: true), Encoding.UTF8);
        }

        public void Send(string text) => _socket.Send(Encoding.UTF8.GetBytes(text));

        public string? Line()
        {
            try
            {
                return _reader.ReadLine();
            }
            catch (IOException)
            {
                return null;
            }
        }

        public string? Ask(string request)
        {
            try
            {
                Send(request + "\n");
            }
            catch (SocketException)
            {
                return null;
            }

            return Line();
        }

        public void AskQuietly()
        {
            _socket.Send(s_snapshot);
            int count;
            do
            {
                count = _socket.Receive(_buffer);
            }
            while (count > 0 && _buffer[count - 1] != (byte)'\n');
        }

        public void Dispose() => _reader.Dispose();
    }
}
