// What an ill-behaved server can do to the client: each case ends in one sentence, in bounded time and memory.
using System.Net.Sockets;
using System.Text;
using Tapline.Capture.Ovs;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Ovs;

public class OvsdbClientTests
{
    private const string Answer = """{"id":1,"result":{"Bridge":{"b":{"new":{"name":"br0","ports":["set",[]]}}}},"error":null}""";

    [Fact]
    public void AnAnswerInPiecesWithEchoRequestsBeforeItIsTheSame()
    {
        using var server = new Server(client =>
        {
            ReadSome(client);
            foreach (var value in Encoding.UTF8.GetBytes("""{"id":"e","method":"echo","params":[{"a":"}"}]}""" + Answer))
            {
                client.Send([value]);
            }

            return ReadSome(client);
        });
        using var session = OvsSession.Open(server.Path, out var error);
        Assert.Equal("", error);
        Assert.Equal("br0", Assert.Single(session!.View.Bridges).Name);
        Assert.Equal("""{"id":"e","result":[{"a":"}"}],"error":null}""", server.Result());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n", "does not speak its protocol")]
    [InlineData("{\"id\":1,}", "does not speak its protocol")]
    [InlineData("[1]", "does not speak its protocol")]
    [InlineData("{\"id\":1,\"result\":null,\"error\":\"unknown database\"}", "no Open vSwitch tables")]
    [InlineData("{\"id\":1", "closed the connection")]
    [InlineData("", "closed the connection")]
    public void AWrongAnswerIsOneSentence(string answer, string words)
    {
        using var server = new Server(client =>
        {
            ReadSome(client);
            client.Send(Encoding.UTF8.GetBytes(answer));
            return "";
        });
        Assert.Null(OvsSession.Open(server.Path, out var error));
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.EndsWith(".", error, StringComparison.Ordinal);
        server.Result();
    }

    [Fact]
    public void NestingDeeperThanAnyRowEndsTheConnection()
    {
        using var server = new Server(client =>
        {
            ReadSome(client);
            client.Send(Encoding.UTF8.GetBytes($"{{\"id\":1,\"result\":{new string('[', 5000)}{new string(']', 5000)}}}"));
            return "";
        });
        Assert.Null(OvsSession.Open(server.Path, out var error));
        Assert.Contains("does not speak its protocol", error, StringComparison.Ordinal);
        server.Result();
    }

    [Fact]
    public void AMessageWithoutEndIsGivenUpAtTheLimit()
    {
        using var server = new Server(client =>
        {
            ReadSome(client);
            var piece = Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', 1 << 20));
            try
            {
                for (var i = 0; i < 64; i++)
                {
                    client.Send(piece);
                    piece.AsSpan().Fill((byte)'x');
                }
            }
            catch (SocketException)
            {
                return "closed";
            }

            return "never closed";
        });
        Assert.Null(OvsSession.Open(server.Path, out var error));
        Assert.Contains("more than 32 MiB", error, StringComparison.Ordinal);
        Assert.Equal("closed", server.Result());
    }

    [Fact]
    public void NoServerIsOneSentenceWithTheMend()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(OvsSession.Open(Path.Combine(folder.Path, "db.sock"), out var missing));
        Assert.Contains("--ovs-database", missing, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder.Path, "file"), "");
        Assert.Null(OvsSession.Open(Path.Combine(folder.Path, "file"), out var silent));
        Assert.Contains("does not answer", silent, StringComparison.Ordinal);
        Assert.Null(OvsSession.Open("/" + new string('x', 200), out var tooLong));
        Assert.Contains("too long", tooLong, StringComparison.Ordinal);
    }

    private static string ReadSome(Socket client)
    {
        var bytes = new byte[4096];
        return Encoding.UTF8.GetString(bytes, 0, client.Receive(bytes));
    }

    private sealed class Server : IDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly Thread _thread;
        private string _result = "";

        public Server(Func<Socket, string> serve)
        {
            Path = System.IO.Path.Combine(_folder.Path, "s");
            _listener.Bind(new UnixDomainSocketEndPoint(Path));
            _listener.Listen();
            _thread = new Thread(() =>
            {
                using var client = _listener.Accept();
                _result = serve(client);
            })
            { IsBackground = true };
            _thread.Start();
        }

        public string Path { get; }

        public string Result()
        {
            Assert.True(_thread.Join(TimeSpan.FromSeconds(30)));
            return _result;
        }

        public void Dispose()
        {
            _listener.Dispose();
            _folder.Dispose();
        }
    }
}
