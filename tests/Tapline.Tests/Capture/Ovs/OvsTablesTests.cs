// Table updates as ovsdb-server 3.1 sends them → the view; changes, removals, hostile values, and every kind of damage.
using System.Text;
using System.Text.Json;
using Tapline.Capture.Ovs;
using Tapline.Capture.Points;
using Xunit;

namespace Tapline.Tests.Capture.Ovs;

public class OvsTablesTests
{
    private const string Initial = """
        {"Interface":{
          "i1":{"new":{"name":"vnet1","ofport":1,"ifindex":4,"external_ids":["map",[["iface-id","port-1"],["vm-uuid","vm-1"],
                ["attached-mac","52:54:00:12:34:56"]]],"options":["map",[]],"type":"","error":["set",[]]}},
          "i2":{"new":{"name":"br-int","ofport":65534,"ifindex":3,"external_ids":["map",[]],"options":["map",[]],"type":"internal"}},
          "i3":{"new":{"name":"to-ex","ofport":2,"ifindex":["set",[]],"external_ids":["map",[]],
                "options":["map",[["peer","to-int"]]],"type":"patch"}},
          "i4":{"new":{"name":"to-int","ofport":1,"external_ids":["map",[]],"options":["map",[["peer","to-ex"]]],"type":"patch"}},
          "i5":{"new":{"name":"dpdk0","ofport":3,"external_ids":["map",[]],"options":["map",[]],"type":"dpdk"}}},
         "Port":{
          "p1":{"new":{"name":"vnet1","interfaces":["uuid","i1"],"tag":10,"vlan_mode":["set",[]]}},
          "p2":{"new":{"name":"br-int","interfaces":["set",[["uuid","i2"]]],"tag":["set",[]],"vlan_mode":["set",[]]}},
          "p3":{"new":{"name":"to-ex","interfaces":["uuid","i3"],"tag":["set",[]],"vlan_mode":"trunk"}},
          "p4":{"new":{"name":"to-int","interfaces":["uuid","i4"],"tag":["set",[]],"vlan_mode":["set",[]]}},
          "p5":{"new":{"name":"bond","interfaces":["set",[["uuid","i5"],["uuid","gone"]]],"tag":["set",[]],"vlan_mode":["set",[]]}}},
         "Bridge":{
          "b1":{"new":{"name":"br-int","ports":["set",[["uuid","p1"],["uuid","p2"],["uuid","p3"],["uuid","p5"]]],"datapath_type":"netdev"}},
          "b2":{"new":{"name":"br-ex","ports":["uuid","p4"],"datapath_type":""}}},
         "Mirror":{
          "m1":{"new":{"name":"x","select_src_port":["uuid","p5"],"output_port":["set",[]],"external_ids":["map",[["tapline-pid","1"],
                ["tapline-start","0"],["tapline-boot","b"],["tapline-node","n"]]]}},
          "m2":{"new":{"name":"theirs","select_src_port":["set",[]],"output_port":["set",[]],"external_ids":["map",[]]}}}}
        """;

    [Fact]
    public void InitialContentsBecomePortsOfBridges()
    {
        var view = Apply(new OvsTables(), Initial);
        Assert.Equal(["br-ex", "br-int"], view.Bridges.Select(b => b.Name));
        Assert.Equal([false, true], view.Bridges.Select(b => b.IsUserspace));
        var port = view.Ports.Single(p => p.Name == "vnet1");
        Assert.Equal(("p1", "br-int", "", 4, 1, 10), (port.PortId, port.Bridge, port.Type, port.InterfaceIndex,
            port.OpenFlowPort, port.Tag));
        Assert.Equal(("port-1", "vm-1", 0x525400123456UL), (port.IfaceId, port.VmId, port.Mac));
        Assert.True(view.Ports.Single(p => p.Name == "br-int").IsHostSide);
        Assert.Equal("to-int", view.Ports.Single(p => p.Name == "to-ex").PatchPeer);
        Assert.Equal(5, view.Ports.Count);
        var mirror = Assert.Single(view.Mirrors);
        Assert.Equal(("m1", "br-int", ""), (mirror.Id, mirror.Bridge, mirror.OutputPort));
        Assert.False(mirror.Owner.IsAlive());
    }

    [Fact]
    public void AnInterfaceOfAnotherNamespaceIsNotTakenForOneOfThatNameHere()
    {
        var view = Apply(new OvsTables(), Initial);
        Assert.NotNull(view.Find(new LinkInfo { Index = 4, Name = "vnet1" }));
        Assert.Null(view.Find(new LinkInfo { Index = 5, Name = "vnet1" }));
        Assert.Null(view.Find(new LinkInfo { Index = 6, Name = "dpdk0" }));
        Assert.Null(view.Find(new LinkInfo { Index = 7, Name = "to-ex" }));
    }

    [Fact]
    public void WhatNoSocketSeesIsToldWithTheReason()
    {
        var view = Apply(new OvsTables(), Initial);
        LinkInfo[] links = [new() { Index = 3, Name = "br-int" }];
        Assert.Null(Why("br-int"));
        Assert.Contains("not in this network namespace", Why("vnet1"), StringComparison.Ordinal);
        Assert.Contains("where they enter br-ex", Why("to-ex"), StringComparison.Ordinal);
        Assert.Contains("bypass the kernel", Why("dpdk0"), StringComparison.Ordinal);
        Assert.Equal(["vnet1", "dpdk0"], view.NeedingMirror("br-int", links).Select(p => p.Name));

        string? Why(string name) => view.WhyUnseen(view.Ports.Single(p => p.Name == name), links);
    }

    [Fact]
    public void ChangesAndRemovalsAreFollowed()
    {
        var tables = new OvsTables();
        Apply(tables, Initial);
        var view = Apply(tables, """
            {"Interface":{"i1":{"old":{"ifindex":4},
              "new":{"name":"vnet1","type":"","ifindex":9,"external_ids":["map",[["vm-name","web"]]]}}}}
            """);
        Assert.Equal((9, "web"), (view.Ports.Single(p => p.Name == "vnet1").InterfaceIndex, view.Ports.Single(p =>
            p.Name == "vnet1").VmName));
        view = Apply(tables, """{"Port":{"p1":{"old":{"name":"vnet1"}}},"Interface":{"i1":{"old":{"name":"vnet1"}}}}""");
        Assert.DoesNotContain(view.Ports, p => p.Name == "vnet1");
    }

    [Fact]
    public void DamagedUpdatesNeverThrow()
    {
        var bytes = Encoding.UTF8.GetBytes(Initial);
        var random = new Random(1);
        string[] values = ["null", "7", "\"x\"", "[]", "{}", "[\"set\",7]", "[\"map\",[[1]]]", "[\"uuid\"]",
            "\"\\ud800\"", "-1e999", "true"];
        using var whole = JsonDocument.Parse(bytes);
        for (var round = 0; round < 20_000; round++)
        {
            var text = Replace(whole.RootElement, random, values, random.Next(1, 60));
            using var document = TryParse(text);
            if (document is not null)
            {
                var tables = new OvsTables();
                tables.Apply(document.RootElement);
                var view = tables.ToView();
                foreach (var port in view.Ports)
                {
                    _ = view.WhyUnseen(port, []);
                }
            }
        }
    }

    // The n-th value in the order of writing becomes another one.
    private static string Replace(JsonElement root, Random random, string[] values, int at)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { SkipValidation = true }))
        {
            Write(root);

            void Write(JsonElement value)
            {
                if (--at == 0)
                {
                    json.WriteRawValue(values[random.Next(values.Length)], skipInputValidation: true);
                    return;
                }

                switch (value.ValueKind)
                {
                    case JsonValueKind.Object:
                        json.WriteStartObject();
                        foreach (var property in value.EnumerateObject())
                        {
                            json.WritePropertyName(property.Name);
                            Write(property.Value);
                        }

                        json.WriteEndObject();
                        break;
                    case JsonValueKind.Array:
                        json.WriteStartArray();
                        foreach (var element in value.EnumerateArray())
                        {
                            Write(element);
                        }

                        json.WriteEndArray();
                        break;
                    default:
                        value.WriteTo(json);
                        break;
                }
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static JsonDocument? TryParse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static OvsView Apply(OvsTables tables, string updates)
    {
        using var document = JsonDocument.Parse(updates);
        Assert.True(tables.Apply(document.RootElement));
        return tables.ToView();
    }
}
