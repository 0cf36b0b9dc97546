// The expression that selects the packets of one flow. Where a frame's first headers are the flow's, addresses and ports say it in
// words that need no index; for what travels in a tunnel only the Community ID does.
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>Expressions for flows. Pure.</summary>
public static class FlowExpression
{
    /// <summary>The expression; null for flows that have no address (layer 2).</summary>
    public static string? Of(in FlowRecord flow)
    {
        if (flow.InitiatorIp.IsNone || flow.ResponderIp.IsNone)
        {
            return null;
        }

        if (flow.TunnelDepth > 0)
        {
            return CommunityId.ToText(flow) is { } id ? $"community_id = \"{id}\"" : null;
        }

        var family = flow.InitiatorIp.IsIpv4 ? "ip" : "ip6";
        var hosts = $"{family} host {flow.InitiatorIp} and {family} host {flow.ResponderIp}";
        var word = flow.Protocol is FlowProtocol.Tcp or FlowProtocol.Udp or FlowProtocol.Sctp ? FlowProtocol.Name(flow.Protocol) : null;
        // Behind VLAN tags the words of a filter start over.
        var tags = string.Concat(Enumerable.Repeat("vlan and ", flow.VlanCount));
        return word is null
            ? flow.Protocol <= byte.MaxValue ? $"{tags}{hosts} and {family} proto {flow.Protocol}" : $"{tags}{hosts}"
            : $"{tags}{hosts} and {word} port {flow.InitiatorPort} and {word} port {flow.ResponderPort}";
    }

    /// <summary>The flow for people.</summary>
    public static string Text(in FlowRecord flow)
    {
        var ports = FlowProtocol.HasPorts(flow.Protocol);
        return $"{FlowProtocol.Name(flow.Protocol)} {flow.InitiatorIp}{(ports ? $" port {flow.InitiatorPort}" : "")} to "
            + $"{flow.ResponderIp}{(ports ? $" port {flow.ResponderPort}" : "")}";
    }
}
