// A flow record as one JSON object, by the contract that the store's columns and the API follow too: snake_case, unit
// last, times RFC 3339 UTC with nanoseconds, unknown = left out. The caller owns the writer and ends the line.
using System.Globalization;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Store;

/// <summary>Writes flow records through <paramref name="names"/>. Any thread that owns the JSON writer.</summary>
public sealed class FlowJsonWriter(IFlowNames names)
{
    private const ushort NoPoint = 0xffff;
    private static readonly FlowJsonSide s_initiator = new("initiator");
    private static readonly FlowJsonSide s_responder = new("responder");

    /// <summary>Writes one object.</summary>
    public void Write(Utf8JsonWriter json, in FlowRecord record)
    {
        json.WriteStartObject();
        WriteFields(json, record);
        json.WriteEndObject();
    }

    /// <summary>Writes the fields into an object that the caller has begun and ends.</summary>
    public void WriteFields(Utf8JsonWriter json, in FlowRecord record)
    {
        WriteIdentity(json, record);
        WriteScope(json, record);
        json.WriteString("protocol"u8, FlowProtocol.Name(record.Protocol));
        WriteSide(json, record, s_initiator, isInitiator: true);
        WriteSide(json, record, s_responder, isInitiator: false);
        WritePortless(json, record);
        var isTcp = record.Protocol == FlowProtocol.Tcp;
        s_initiator.WriteCounts(json, record.Initiator, isTcp);
        s_responder.WriteCounts(json, record.Responder, isTcp);
        WriteStateAndTimes(json, record);
    }

    private void WriteIdentity(Utf8JsonWriter json, in FlowRecord record)
    {
        Span<char> text = stackalloc char[FlowJsonText.TimeLength];
        record.FlowId.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        json.WriteString("flow_id"u8, text[..length]);
        Span<char> communityId = stackalloc char[CommunityId.Length];
        if (CommunityId.TryWrite(record, communityId))
        {
            json.WriteString("community_id"u8, communityId);
        }

        FlowJsonText.WriteTime(json, "start"u8, record.StartNs);
        FlowJsonText.WriteTime(json, "end"u8, record.EndNs);
        json.WriteNumber("duration_ns"u8, record.EndNs - record.StartNs);
        if (record.Part != 0)
        {
            json.WriteNumber("part"u8, record.Part);
        }

        WritePoints(json, record);
    }

    private void WritePoints(Utf8JsonWriter json, in FlowRecord record)
    {
        var first = record.InitiatorPoint;
        var second = record.ResponderPoint;
        if (first == NoPoint || (second != NoPoint && record.Responder.FirstNs < record.Initiator.FirstNs))
        {
            (first, second) = (second, first);
        }

        var firstName = first == NoPoint ? null : names.PointName(first);
        var secondName = second == NoPoint || second == first ? null : names.PointName(second);
        if (firstName is null)
        {
            return;
        }

        json.WriteString("point"u8, firstName);
        json.WriteStartArray("points"u8);
        json.WriteStringValue(firstName);
        if (secondName is not null)
        {
            json.WriteStringValue(secondName);
        }

        json.WriteEndArray();
    }

    private static void WriteScope(Utf8JsonWriter json, in FlowRecord record)
    {
        if (record.VlanCount > 0)
        {
            json.WriteStartArray("vlans"u8);
            ReadOnlySpan<ushort> vlans = [record.Vlan0, record.Vlan1, record.Vlan2, record.Vlan3];
            foreach (var vlan in vlans[..Math.Min(record.VlanCount, vlans.Length)])
            {
                json.WriteNumberValue(vlan & 0x0fff);
            }

            json.WriteEndArray();
        }

        if (record.Tunnel == TunnelKind.None)
        {
            return;
        }

        json.WriteString("tunnel"u8, FlowJsonText.TunnelName(record.Tunnel));
        if (record.Vni != 0 || record.Tunnel is TunnelKind.Vxlan or TunnelKind.VxlanGpe or TunnelKind.Geneve)
        {
            json.WriteNumber("vni"u8, record.Vni);
        }

        FlowJsonText.WriteAddress(json, "outer_initiator_ip"u8, record.OuterInitiatorIp);
        FlowJsonText.WriteAddress(json, "outer_responder_ip"u8, record.OuterResponderIp);
    }

    private void WriteSide(Utf8JsonWriter json, in FlowRecord record, FlowJsonSide side, bool isInitiator)
    {
        var ip = isInitiator ? record.InitiatorIp : record.ResponderIp;
        var mac = isInitiator ? record.InitiatorMac : record.ResponderMac;
        var point = isInitiator ? record.InitiatorPoint : record.ResponderPoint;
        side.WriteEndpoint(json, ip, mac);
        if (FlowProtocol.HasPorts(record.Protocol) && (record.InitiatorPort != 0 || record.ResponderPort != 0))
        {
            json.WriteNumber(side.Port, isInitiator ? record.InitiatorPort : record.ResponderPort);
        }

        if (names.VmName(point, mac, ip) is { } vm)
        {
            json.WriteString(side.Vm, vm);
        }
    }

    /// <summary>What stands in the port fields of protocols without ports.</summary>
    private static void WritePortless(Utf8JsonWriter json, in FlowRecord record)
    {
        switch (record.Protocol)
        {
            case FlowProtocol.Icmp or FlowProtocol.Icmpv6:
                json.WriteNumber("icmp_type"u8, record.InitiatorPort >> 8);
                json.WriteNumber("icmp_code"u8, record.InitiatorPort & 0xff);
                if (record.ResponderPort != 0)
                {
                    json.WriteNumber("icmp_id"u8, record.ResponderPort);
                }

                break;
            case FlowProtocol.EtherTypeFlow:
                json.WriteNumber("ethertype"u8, record.InitiatorPort);
                break;
            case FlowProtocol.Llc:
                json.WriteNumber("dsap"u8, record.InitiatorPort >> 8);
                json.WriteNumber("ssap"u8, record.InitiatorPort & 0xff);
                break;
        }
    }

    private static void WriteStateAndTimes(Utf8JsonWriter json, in FlowRecord record)
    {
        if (record.State != FlowState.None)
        {
            json.WriteString("state"u8, FlowJsonText.StateName(record.State));
        }

        if (record.EndReason != FlowEndReason.None)
        {
            json.WriteString("end_reason"u8, FlowJsonText.ReasonName(record.EndReason));
        }

        if (record.InitiatorBasis != 0)
        {
            json.WriteString("initiator_basis"u8, FlowJsonText.BasisName(record.InitiatorBasis));
        }

        if (AppNames.Find(record.AppId) is { } app)
        {
            json.WriteString("app"u8, app);
            json.WriteString("app_confidence"u8, record.AppConfidence == 2 ? "payload"u8 : "port"u8);
        }

        WritePositive(json, "handshake_rtt_ns"u8, record.HandshakeRttNs);
        WritePositive(json, "client_rtt_ns"u8, record.ClientRttNs);
        WritePositive(json, "server_rtt_ns"u8, record.ServerRttNs);
        WritePositive(json, "icmp_errors"u8, record.IcmpErrors);
        if (record.RttSamples > 0)
        {
            json.WriteNumber("rtt_samples"u8, record.RttSamples);
            json.WriteNumber("rtt_min_ns"u8, record.RttMinNs);
            json.WriteNumber("rtt_mean_ns"u8, record.RttSumNs / record.RttSamples);
            json.WriteNumber("rtt_max_ns"u8, record.RttMaxNs);
        }
    }

    private static void WritePositive(Utf8JsonWriter json, ReadOnlySpan<byte> name, long value)
    {
        if (value > 0)
        {
            json.WriteNumber(name, value);
        }
    }
}
