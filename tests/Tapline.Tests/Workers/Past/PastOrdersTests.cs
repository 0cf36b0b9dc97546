// Orders for the past, on the command line and on the socket.
using System.Buffers;
using System.CommandLine;
using System.Runtime.Versioning;
using System.Text.Json;
using Tapline.Base;
using Tapline.Server.Commands;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers.Past;

[SupportedOSPlatform("linux")]
public sealed class PastOrdersTests
{
    [Theory]
    [InlineData("mirror --from br0 --to nic:eth2 --since 10m", "go together")]
    [InlineData("mirror --from br0 --to nic:eth2 --data d", "go together")]
    [InlineData("mirror --from br0 --to stdout --since 10m --data d", "standard output")]
    [InlineData("mirror add nic:eth2 --since soon", "is not a time")]
    [InlineData("mirror add nic:eth2 --since 1m --speed 0", "--speed wants")]
    [InlineData("replay a.pcap", "--to")]
    [InlineData("replay a.pcap --to nic:eth2 --speed fast", "--speed wants")]
    public void A_wrong_command_line_is_explained(string line, string expected)
    {
        var parsed = RootVerb.Build().Parse(line);
        Assert.Contains(parsed.Errors, e => e.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mirror add nic:eth2 --since 10m --speed 1 --data d")]
    [InlineData("mirror list --data d")]
    [InlineData("mirror --from br0 --to nic:eth2 --since 10m --data d --speed max")]
    [InlineData("replay d --to nic:eth2 --since 10m --until 5m --speed 0.5 --loop 0 --limit 9 --from br0 --slice 64 --json")]
    public void A_right_command_line_is_taken(string line) => Assert.Empty(RootVerb.Build().Parse(line).Errors);

    [Fact]
    public void A_session_from_the_past_travels_whole()
    {
        var plan = new MirrorPlan { Session = "s", To = "nic:x", SinceNs = 17, OrderedNs = 18, Speed = 2.5 };
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("verb", "mirror_add");
            json.WriteStartObject("mirror");
            MirrorPlanJson.Write(json, plan);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        var request = ControlRequest.Parse(line.WrittenSpan);
        Assert.Null(request.Mistake);
        Assert.Equal(plan, request.Mirror);
        Assert.Equal(18, request.Mirror!.OrderedNs);
        Assert.NotEqual(plan, plan with { SinceNs = 16 });
        Assert.NotEqual(plan, plan with { Speed = 1 });
    }

    [Theory]
    [InlineData("\"since_ns\":\"10m\"")]
    [InlineData("\"since_ns\":1.5")]
    [InlineData("\"since_ns\":17,\"speed\":-1")]
    [InlineData("\"since_ns\":17,\"speed\":\"max\"")]
    public void What_makes_no_sense_is_refused(string orders) =>
        Assert.NotNull(ControlRequest.Parse(System.Text.Encoding.UTF8.GetBytes(
            $"{{\"verb\":\"mirror_add\",\"mirror\":{{\"session\":\"s\",\"to\":\"nic:x\",{orders}}}}}")).Mistake);

    [Theory]
    [InlineData("max", 0.0)]
    [InlineData("1", 1.0)]
    [InlineData("0.5", 0.5)]
    [InlineData("10", 10.0)]
    public void Speeds_are_read(string text, double speed) => Assert.Equal(speed, ReplayVerb.ParseSpeed(text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("fast")]
    [InlineData("1e3")]
    [InlineData("")]
    public void What_is_no_speed_is_refused(string text) => Assert.Null(ReplayVerb.ParseSpeed(text));

    [Fact]
    public void The_short_form_takes_since_and_speed()
    {
        var before = Clock.NowNs();
        var plan = EngineOrders.Mirror("nic:x;since=10m;speed=2;session=s", 1, out var mistake)!;
        Assert.Null(mistake);
        Assert.InRange(plan.SinceNs!.Value, before - (600 * Clock.SecondNs), Clock.NowNs() - (600 * Clock.SecondNs));
        Assert.Equal(2, plan.Speed);
        Assert.Null(EngineOrders.Mirror("nic:x;since=yesterday", 1, out mistake));
        Assert.Contains("since", mistake, StringComparison.Ordinal);
    }
}
