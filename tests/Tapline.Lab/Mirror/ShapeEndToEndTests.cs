// What a tool outside may see of a real web session: a real server, a real client with a password and a cookie, a page
// with a card number, through the program as an operator starts it. The witness at the tool's end of the wire is tshark.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Tapline.Mirror.Shape;
using Xunit;

namespace Tapline.Lab.Mirror;

[Trait("pace", "patient")]
public sealed class ShapeEndToEndTests : IDisposable
{
    private const string Client = "10.9.0.1";
    private const string Server = "10.9.0.2";
    private const string Card = "4111 1111 1111 1111";
    private const string Password = "opensesame";
    private const string Cart = "cart-7f3a99";
    private const string Session = "sid-c0ffee42";
    private const int Requests = 20;

    private static readonly string[] s_fields =
    [
        "vlan.id", "ip.src", "ip.dst", "ip.checksum.status", "tcp.checksum.status", "tcp.dstport", "tcp.len",
        "http.authorization", "http.cookie", "http.set_cookie", "arp.src.proto_ipv4", "arp.dst.proto_ipv4",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("tapline-shape-").FullName;
    private readonly string _key;

    public ShapeEndToEndTests()
    {
        _key = Path.Combine(_folder, "ids.key");
        File.WriteAllBytes(_key, Enumerable.Range(1, AddressCipher.KeyBytes).Select(i => (byte)i).ToArray());
        File.SetUnixFileMode(_key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_tool_sees_no_secret_and_no_address()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("nginx", "curl", "tcpdump", "tshark");
        using var host = NetNamespace.Create("h");
        using var tool = NetNamespace.Create("t");
        using var client = NetNamespace.Create("c");
        using var server = NetNamespace.Create("s");
        using var bridge = Bridge.Create(host, "br0");
        bridge.AddPort(client, $"{Client}/24", "p1");
        bridge.AddPort(server, $"{Server}/24", "p2");
        using var port = VethPair.Create(host, tool, "tool", "eth0");
        StartServer(server);
        var capture = Path.Combine(_folder, "tool.pcap");
        var dump = tool.Start("tcpdump", "-i", "eth0", "-U", "-Z", "root", "-w", capture);
        dump.WaitForLine(line => line.Contains("listening on", StringComparison.Ordinal));
        var tapline = host.Start(
        [
            TaplineProgram.Path(), "mirror", "--from", "bridge:br0", "--to", "nic:tool", "--json", "--mask",
            "http-auth,http-cookie,cards", "--anonymise", _key, "--vlan", "100", "--slice", "l4+400", "--workers", "1",
        ]);
        tapline.WaitForLine(line => line == "ready");
        for (var i = 0; i < Requests; i++)
        {
            var page = client.Run("curl", "-s", "-m", "10", "-u", $"ann:{Password}", "-b", $"cart={Cart}", $"http://{Server}:8080/");
            Assert.Contains(Card, page, StringComparison.Ordinal);
        }

        tapline.Signal(2);
        Assert.Equal(0, tapline.WaitForExit());
        var ledger = Ledger(tapline.Output);
        Assert.True(ledger("sent") > Requests * 6 && ledger("dropped") == 0 && ledger("masked") >= 2 * Requests, tapline.Output);
        LabWait.Until(() => Witness(capture).Count >= ledger("sent_wire_frames"), "all copies in the tool's capture");
        dump.Stop();
        Check(Witness(capture), ledger("sent_wire_frames"));
        CheckBytes(File.ReadAllBytes(capture));
    }

    [Fact]
    public void A_key_that_others_can_read_is_refused_and_the_kernel_path_is_not_taken()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var bridge = Bridge.Create(host, "br0");
        using var port = VethPair.Create(host, host, "tool", "far");
        string[] order = [TaplineProgram.Path(), "mirror", "--from", "bridge:br0", "--to", "nic:tool", "--explain", "--anonymise", _key];
        var (exit, output, error) = host.TryRun(order);
        Assert.True(exit == 0, error);
        Assert.Contains("user path: its shape changes or chooses copies in user space", output, StringComparison.Ordinal);

        File.SetUnixFileMode(_key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (exit, output, error) = host.TryRun(order);
        Assert.NotEqual(0, exit);
        var sentence = $"The key file {_key} can be read by others; `chmod 600 {_key}` mends that.";
        Assert.Contains(sentence, output + error, StringComparison.Ordinal);
        (exit, output, error) = host.TryRun([.. order.Where(word => word != "--explain")]);
        Assert.NotEqual(0, exit);
        Assert.Contains(sentence, output + error, StringComparison.Ordinal);
    }

    private void StartServer(NetNamespace space)
    {
        var settings = Path.Combine(_folder, "nginx.conf");
        File.WriteAllText(settings, $$"""
            daemon off; master_process off; worker_processes 1; pid {{_folder}}/nginx.pid; error_log {{_folder}}/error.log;
            events { worker_connections 64; }
            http {
              access_log off;
              client_body_temp_path {{_folder}}/body; proxy_temp_path {{_folder}}/proxy; fastcgi_temp_path {{_folder}}/fastcgi;
              uwsgi_temp_path {{_folder}}/uwsgi; scgi_temp_path {{_folder}}/scgi;
              server {
                listen {{Server}}:8080;
                location / { add_header Set-Cookie "id={{Session}}; Path=/"; return 200 "card {{Card}} of ann\n"; }
              }
            }
            """);
        space.Start("nginx", "-c", settings);
        LabWait.Until(() => space.TryRun("curl", "-s", "-m", "2", $"http://{Server}:8080/").ExitCode == 0, "the web server");
    }

    private static Func<string, long> Ledger(string output)
    {
        var from = output.IndexOf('{', StringComparison.Ordinal);
        Assert.True(from >= 0, output);
        using var json = JsonDocument.Parse(output[from..(output.LastIndexOf('}') + 1)]);
        var values = new Dictionary<string, long>();
        Collect(json.RootElement, values);
        return name => values.TryGetValue(name, out var value) ? value : throw new KeyNotFoundException($"{name} in {output}");
    }

    // The names of a mirror's counters; `dropped` is the sum of its reasons.
    private static void Collect(JsonElement element, Dictionary<string, long> values)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                Collect(item, values);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt64(out var number))
                {
                    values[property.Name] = number;
                }
                else if (property.Name == "dropped" && property.Value.ValueKind == JsonValueKind.Object)
                {
                    values["dropped"] = property.Value.EnumerateObject().Sum(reason => reason.Value.GetInt64());
                }
                else
                {
                    Collect(property.Value, values);
                }
            }
        }
    }

    private static List<string[]> Witness(string capture)
    {
        string[] order =
        [
            "tshark", "-n", "-r", capture, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-T", "fields",
            "-d", "tcp.port==8080,http", .. s_fields.SelectMany(field => (string[])["-e", field]),
        ];

        // A capture under way may end in half a record, which tshark says and reads up to.
        return LabCommand.TryRun(order).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).ToList();
    }

    private void Check(List<string[]> frames, long sent)
    {
        using var cipher = new AddressCipher(File.ReadAllBytes(_key), keepsSpecial: true);
        var hosts = new[] { Client, Server }.Select(address => Hidden(cipher, address)).Order().ToArray();
        Assert.Equal(sent, frames.Count);
        Assert.All(frames, frame => Assert.Equal("100", frame[0]));
        var packets = frames.Where(frame => frame[1].Length > 0).ToList();
        Assert.Equal(hosts, packets.SelectMany(frame => frame[1..3]).Distinct().Order());
        Assert.All(packets, frame => Assert.Equal("1", frame[3]));
        Assert.All(frames.Where(frame => frame[10].Length > 0), frame => Assert.Subset(hosts.ToHashSet(), frame[10..12].ToHashSet()));

        // Of a sliced frame tshark cannot tell; none of these pages is longer than the slice.
        Assert.All(packets, frame => Assert.Equal("1", frame[4]));
        var requests = packets.Where(frame => frame[7].Length > 0).ToList();
        Assert.Equal(Requests, requests.Count);
        Assert.All(requests, frame => Assert.Matches("^X+$", frame[7]));
        Assert.All(requests, frame => Assert.Matches("^X+$", frame[8]));
        Assert.True(packets.Count(frame => frame[9].Length > 0 && frame[9].All(c => c == 'X')) >= Requests);
    }

    private static void CheckBytes(byte[] capture)
    {
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"ann:{Password}"));
        foreach (var secret in (string[])[Card, Password, basic, Cart, Session])
        {
            Assert.True(capture.AsSpan().IndexOf(Encoding.ASCII.GetBytes(secret)) < 0, $"{secret} is in the tool's capture");
        }

        foreach (var address in (string[])[Client, Server])
        {
            Assert.True(capture.AsSpan().IndexOf(IPAddress.Parse(address).GetAddressBytes()) < 0, $"{address} is there as bytes");
        }
    }

    private static string Hidden(AddressCipher cipher, string address)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        var hidden = cipher.Hide(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes));
        return string.Create(CultureInfo.InvariantCulture, $"{hidden >> 24}.{hidden >> 16 & 255}.{hidden >> 8 & 255}.{hidden & 255}");
    }
}
