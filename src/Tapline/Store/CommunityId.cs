// Community ID flow hashing, version 1, seed 0 (github.com/corelight/community-id-spec): the same text for a flow in
// Zeek, Suricata, Wireshark and here. Worked out when a record is printed, never per frame.
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Tapline.Store;

/// <summary>Community IDs of flow records. No allocation but the string of <see cref="ToText"/>; any thread.</summary>
public static class CommunityId
{
    /// <summary>"1:" and the base64 of a SHA-1.</summary>
    public const int Length = 30;

    private const int Sha1Bytes = 20;

    /// <summary>The Community ID as text, or null for flows that have none (layer 2).</summary>
    public static string? ToText(in FlowRecord record)
    {
        Span<char> text = stackalloc char[Length];
        return TryWrite(record, text) ? new string(text) : null;
    }

    /// <summary>Writes <see cref="Length"/> characters; false for flows that have none.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The specification says SHA-1; it names, it does not protect.")]
    public static bool TryWrite(in FlowRecord record, Span<char> text)
    {
        if (record.Protocol > byte.MaxValue || record.InitiatorIp.IsNone)
        {
            return false;
        }

        // seed 2, address, address, protocol 1, padding 1, port 2, port 2
        Span<byte> input = stackalloc byte[2 + 16 + 16 + 2 + 4];
        input.Clear();
        var ports = PortsOf(record, out var hasPorts, out var isOneWay);
        var source = record.InitiatorIp;
        var destination = record.ResponderIp;
        if (!isOneWay && !IsOrdered(source, ports.Source, destination, ports.Destination))
        {
            (source, destination) = (destination, source);
            ports = (ports.Destination, ports.Source);
        }

        var length = 2;
        length += WriteAddress(source, input[length..]);
        length += WriteAddress(destination, input[length..]);
        input[length] = (byte)record.Protocol;
        length += 2;
        if (hasPorts)
        {
            BinaryPrimitives.WriteUInt16BigEndian(input[length..], ports.Source);
            BinaryPrimitives.WriteUInt16BigEndian(input[(length + 2)..], ports.Destination);
            length += 4;
        }

        Span<byte> hash = stackalloc byte[Sha1Bytes];
        SHA1.HashData(input[..length], hash);
        "1:".CopyTo(text);
        return Convert.TryToBase64Chars(hash, text[2..], out _);
    }

    private static (ushort Source, ushort Destination) PortsOf(
        in FlowRecord record, out bool hasPorts, out bool isOneWay)
    {
        isOneWay = false;
        hasPorts = true;
        switch (record.Protocol)
        {
            case FlowProtocol.Icmp or FlowProtocol.Icmpv6:
                var type = record.InitiatorPort >> 8;
                var counterpart = CounterpartOf(record.Protocol == FlowProtocol.Icmpv6, type);
                isOneWay = counterpart < 0;
                return ((ushort)type, (ushort)(isOneWay ? record.InitiatorPort & 0xff : counterpart));
            case FlowProtocol.Tcp or FlowProtocol.Udp or FlowProtocol.Sctp:
                // Fragments whose first never came have no ports to be hashed.
                hasPorts = record.InitiatorPort != 0 || record.ResponderPort != 0;
                return (record.InitiatorPort, record.ResponderPort);
            default:
                hasPorts = false;
                return default;
        }
    }

    /// <summary>The message type that answers, or is answered by, this one; -1 where there is none.</summary>
    private static int CounterpartOf(bool isVersion6, int type) => isVersion6
        ? type switch
        {
            128 => 129,
            129 => 128,
            130 => 131,
            131 => 130,
            133 => 134,
            134 => 133,
            135 => 136,
            136 => 135,
            139 => 140,
            140 => 139,
            144 => 145,
            145 => 144,
            _ => -1,
        }
        : type switch
        {
            0 => 8,
            8 => 0,
            9 => 10,
            10 => 9,
            13 => 14,
            14 => 13,
            15 => 16,
            16 => 15,
            17 => 18,
            18 => 17,
            _ => -1,
        };

    private static bool IsOrdered(IpAddress16 source, ushort sourcePort, IpAddress16 destination, ushort destinationPort)
    {
        if (source.High != destination.High)
        {
            return source.High < destination.High;
        }

        return source.Low != destination.Low ? source.Low < destination.Low : sourcePort <= destinationPort;
    }

    private static int WriteAddress(IpAddress16 address, Span<byte> output)
    {
        if (address.IsIpv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(output, (uint)address.Low);
            return 4;
        }

        BinaryPrimitives.WriteUInt64BigEndian(output, address.High);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], address.Low);
        return 16;
    }
}
