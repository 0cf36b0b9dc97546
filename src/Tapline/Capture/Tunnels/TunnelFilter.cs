// A listener's order as a classic BPF program: which of the packets that a raw socket is offered are ours. Judged by the
// kernel before anything is queued, so what others send costs no buffer. In: the order, the address family. Pure.
//
// An IPv4 raw socket's program starts at the IP header (raw_rcv pushes it back), an IPv6 one at the payload; the kernel
// offers reassembled packets only, so every one has its first headers.
//
//   VXLAN, Geneve  UDP 8 | flags 4 | VNI 3, reserved 1                       (RFC 7348 section 5, RFC 8926 section 3.4)
//   GRE            flags 2 | protocol 2 | checksum 4? | key 4? | sequence 4? (RFC 2890)
//   ERSPAN II, III GRE with sequence, 8 | version 4 bits, VLAN 12 bits | …, session id 10 bits
using System.Buffers.Binary;
using System.Net.Sockets;
using Tapline.Base.Kernel;

namespace Tapline.Capture.Tunnels;

/// <summary>Builds socket filters.</summary>
internal static class TunnelFilter
{
    public const ushort ErspanOneOrTwo = 0x88BE;
    public const ushort ErspanThree = 0x22EB;
    private const uint NetworkHeader = 0xFFF0_0000; // SKF_NET_OFF
    private const uint ChecksumPresent = 0x8000;
    private const uint KeyPresent = 0x2000;
    private const uint SequencePresent = 0x1000;
    private const uint All = 0xFFFF_FFFF;

    /// <summary>A program that takes nothing: for a socket that only stands for a port, and for one that has ended.</summary>
    public static sock_filter[] Nothing { get; } = [Statement(LinuxFilter.BPF_RET | LinuxFilter.BPF_K, 0)];

    /// <summary>The program for a raw socket of the family; null when the order names a sender of the other family.</summary>
    public static sock_filter[]? Build(TunnelUrl url, bool isV6)
    {
        var code = new List<sock_filter>();
        var family = isV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        if (url.From is { } from)
        {
            if (from.AddressFamily != family)
            {
                return null;
            }

            AddSender(code, from.GetAddressBytes(), isV6);
        }

        // X = where the payload begins.
        code.Add(isV6
            ? Statement(LinuxFilter.BPF_LDX | LinuxFilter.BPF_IMM, 0)
            : Statement(LinuxFilter.BPF_LDX | LinuxFilter.BPF_B | LinuxFilter.BPF_MSH, 0));
        switch (url.Protocol)
        {
            case TunnelProtocol.Gre:
                AddGre(code, url.Id);
                break;
            case TunnelProtocol.Erspan:
                AddErspan(code, url.Id);
                break;
            default:
                AddUdp(code, url);
                break;
        }

        code.Add(Statement(LinuxFilter.BPF_RET | LinuxFilter.BPF_K, All));
        return [.. code];
    }

    private static void AddSender(List<sock_filter> code, byte[] address, bool isV6)
    {
        var offset = NetworkHeader + (isV6 ? 8u : 12u);
        for (var i = 0; i < address.Length; i += 4)
        {
            code.Add(Statement(LinuxFilter.BPF_LD | LinuxFilter.BPF_W | LinuxFilter.BPF_ABS, offset + (uint)i));
            RefuseUnless(code, BinaryPrimitives.ReadUInt32BigEndian(address.AsSpan(i)));
        }
    }

    private static void AddUdp(List<sock_filter> code, TunnelUrl url)
    {
        code.Add(Indirect(LinuxFilter.BPF_H, 2));
        RefuseUnless(code, (uint)url.Port);
        if (url.Id >= 0)
        {
            code.Add(Indirect(LinuxFilter.BPF_W, 12));
            code.Add(Statement(LinuxFilter.BPF_ALU | LinuxFilter.BPF_RSH | LinuxFilter.BPF_K, 8));
            RefuseUnless(code, (uint)url.Id);
        }
    }

    private static void AddGre(List<sock_filter> code, long key)
    {
        code.Add(Indirect(LinuxFilter.BPF_H, 2));
        RefuseIf(code, ErspanOneOrTwo);
        RefuseIf(code, ErspanThree);
        if (key < 0)
        {
            return;
        }

        code.Add(Indirect(LinuxFilter.BPF_H, 0));
        code.Add(Jump(LinuxFilter.BPF_JSET, KeyPresent, 1, 0));
        code.Add(Refuse);
        // With a checksum the key stands four bytes further on.
        code.Add(Jump(LinuxFilter.BPF_JSET, ChecksumPresent, 2, 0));
        code.Add(Indirect(LinuxFilter.BPF_W, 4));
        code.Add(Statement(LinuxFilter.BPF_JMP | LinuxFilter.BPF_JA, 1));
        code.Add(Indirect(LinuxFilter.BPF_W, 8));
        RefuseUnless(code, (uint)key);
    }

    private static void AddErspan(List<sock_filter> code, long session)
    {
        code.Add(Indirect(LinuxFilter.BPF_H, 2));
        code.Add(Jump(LinuxFilter.BPF_JEQ, ErspanOneOrTwo, 2, 0));
        code.Add(Jump(LinuxFilter.BPF_JEQ, ErspanThree, 1, 0));
        code.Add(Refuse);
        if (session < 0)
        {
            return;
        }

        // Type I has neither sequence nor session.
        code.Add(Indirect(LinuxFilter.BPF_H, 0));
        code.Add(Jump(LinuxFilter.BPF_JSET, SequencePresent, 1, 0));
        code.Add(Refuse);
        code.Add(Indirect(LinuxFilter.BPF_H, 10));
        code.Add(Statement(LinuxFilter.BPF_ALU | LinuxFilter.BPF_AND | LinuxFilter.BPF_K, 0x3FF));
        RefuseUnless(code, (uint)session);
    }

    private static sock_filter Refuse => Statement(LinuxFilter.BPF_RET | LinuxFilter.BPF_K, 0);

    private static void RefuseUnless(List<sock_filter> code, uint value)
    {
        code.Add(Jump(LinuxFilter.BPF_JEQ, value, 1, 0));
        code.Add(Refuse);
    }

    private static void RefuseIf(List<sock_filter> code, uint value)
    {
        code.Add(Jump(LinuxFilter.BPF_JEQ, value, 0, 1));
        code.Add(Refuse);
    }

    private static sock_filter Indirect(int size, uint offset) =>
        Statement(LinuxFilter.BPF_LD | size | LinuxFilter.BPF_IND, offset);

    private static sock_filter Statement(int code, uint k) => new() { code = (ushort)code, k = k };

    private static sock_filter Jump(int condition, uint k, byte ifTrue, byte ifFalse) =>
        new() { code = (ushort)(LinuxFilter.BPF_JMP | condition | LinuxFilter.BPF_K), k = k, jt = ifTrue, jf = ifFalse };
}
