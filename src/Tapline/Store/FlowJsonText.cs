// Words, times and addresses of a flow's JSON, written into spans.
using System.Globalization;
using System.Net;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Store;

/// <summary>Formats the values of a flow's JSON. Any thread.</summary>
public static class FlowJsonText
{
    /// <summary>Characters of a time: 2026-01-31T23:59:59.123456789Z.</summary>
    public const int TimeLength = 30;

    /// <summary>Room for any IP address.</summary>
    internal const int AddressLength = 46;

    private const long SecondNs = 1_000_000_000;

    /// <summary>Formats ns since the epoch as RFC 3339 UTC with nine digits; writes <see cref="TimeLength"/> chars.</summary>
    public static void FormatTime(long timeNs, Span<char> text)
    {
        var seconds = Math.DivRem(timeNs, SecondNs, out var fraction);
        if (fraction < 0)
        {
            seconds--;
            fraction += SecondNs;
        }

        var time = DateTime.UnixEpoch.AddSeconds(seconds);
        time.TryFormat(text, out _, "yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        text[19] = '.';
        fraction.TryFormat(text[20..], out _, "D9", CultureInfo.InvariantCulture);
        text[29] = 'Z';
    }

    internal static void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, long timeNs)
    {
        Span<char> text = stackalloc char[TimeLength];
        FormatTime(timeNs, text);
        json.WriteString(name, text);
    }

    internal static void WriteAddress(Utf8JsonWriter json, ReadOnlySpan<byte> name, IpAddress16 address)
    {
        if (!address.IsNone)
        {
            Span<char> text = stackalloc char[AddressLength];
            json.WriteString(name, text[..FormatAddress(address, text)]);
        }
    }

    /// <summary>Formats an address; returns the number of characters.</summary>
    internal static int FormatAddress(IpAddress16 address, Span<char> text)
    {
        if (!address.IsIpv4)
        {
            return Ipv6Text.Format(address, text);
        }

        var length = 0;
        for (var shift = 24; shift >= 0; shift -= 8)
        {
            ((byte)(address.Low >> shift)).TryFormat(text[length..], out var digits, provider: CultureInfo.InvariantCulture);
            length += digits;
            if (shift > 0)
            {
                text[length++] = '.';
            }
        }

        return length;
    }

    /// <summary>The words of records in JSON and in the store.</summary>
    public static string TunnelName(TunnelKind tunnel) => tunnel switch
    {
        TunnelKind.Vxlan => "vxlan",
        TunnelKind.VxlanGpe => "vxlan_gpe",
        TunnelKind.Geneve => "geneve",
        TunnelKind.Gre => "gre",
        TunnelKind.Nvgre => "nvgre",
        TunnelKind.Erspan1 or TunnelKind.Erspan2 or TunnelKind.Erspan3 => "erspan",
        TunnelKind.IpInIp => "ipip",
        TunnelKind.Gtpu => "gtpu",
        TunnelKind.EtherIp => "etherip",
        TunnelKind.MplsOverUdp => "mpls_over_udp",
        TunnelKind.Mpls => "mpls",
        _ => "other",
    };

    /// <inheritdoc cref="TunnelName"/>
    public static string StateName(FlowState state) => state switch
    {
        FlowState.SynUnanswered => "syn_unanswered",
        FlowState.Refused => "refused",
        FlowState.HandshakeUnfinished => "handshake_unfinished",
        FlowState.Established => "established",
        FlowState.MidStream => "mid_stream",
        FlowState.HalfClosed => "half_closed",
        FlowState.Closed => "closed",
        FlowState.ResetByInitiator => "reset_by_initiator",
        FlowState.ResetByResponder => "reset_by_responder",
        _ => "none",
    };

    /// <inheritdoc cref="TunnelName"/>
    public static string ReasonName(FlowEndReason reason) => reason switch
    {
        FlowEndReason.Fin => "fin",
        FlowEndReason.Rst => "rst",
        FlowEndReason.Idle => "idle",
        FlowEndReason.Active => "active",
        FlowEndReason.EndOfInput => "end_of_input",
        FlowEndReason.Evicted => "evicted",
        FlowEndReason.PortReused => "port_reused",
        _ => "none",
    };

    /// <inheritdoc cref="TunnelName"/>
    public static string BasisName(byte basis) => basis switch
    {
        1 => "syn",
        2 => "first_frame",
        _ => "guessed",
    };
}
