// Which worker gets a frame: a symmetric hash over the innermost pair of IP addresses that can be reached, so that both
// directions of a conversation (which enter by different ports), all its fragments, and its tunnelled frames meet on one
// worker. Ports are not hashed: fragments have none. Frames without IP go to worker 0.
// Follows VLAN tags, IPIP/6in4/4in6, GRE (with ERSPAN II), VXLAN, Geneve, up to LevelsMax IP headers. A fragment of an
// outer packet is not looked into: all of its pieces carry the outer pair only.
//
// The kernel takes the result modulo the number of workers (fanout_demux_bpf). At that point the data of an incoming
// frame begins at its network header, that of an outgoing one at its MAC header: hence two variants.
// Registers: R6 frame, R7 offset, R8 EtherType, R9 hash of the innermost pair so far. Stack: 40 bytes of header.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ring;

/// <summary>Emits the fan-out program.</summary>
internal static class FanoutProgram
{
    private const int LevelsMax = 3;
    private const int VlanTagsPerLevel = 2;
    private const int ExtensionHeadersMax = 3;
    private const short Buffer = -40;
    private const int VxlanPort = 4789;
    private const int GenevePort = 6081;

    /// <summary>Builds the program for frames that start at the network header, or at the MAC header.</summary>
    public static bpf_insn[] Build(bool startsAtMac)
    {
        var code = new BpfAssembler();
        var done = code.Label();
        code.Move(6, 1);
        code.MoveImmediate(7, 0);
        code.MoveImmediate(9, 0);
        if (startsAtMac)
        {
            EmitEthernet(code, done);
        }
        else
        {
            code.Load(Bpf.BPF_W, 8, 6, Bpf.SkbProtocol);
            code.ToBigEndian(8, 16);
        }

        for (var level = 0; level < LevelsMax; level++)
        {
            EmitLevel(code, done, isLast: level == LevelsMax - 1);
        }

        code.Place(done);
        // Addresses differ in few bits, and multiplication carries them upwards only: fold down between the products
        // (the finalizer of MurmurHash3), because the kernel's modulo uses the low bits.
        Fold(code, 16);
        code.Alu32Immediate(Bpf.BPF_MUL, 9, unchecked((int)0x85EBCA6B));
        Fold(code, 13);
        code.Alu32Immediate(Bpf.BPF_MUL, 9, unchecked((int)0xC2B2AE35));
        Fold(code, 16);
        code.Move(0, 9);
        code.Exit();
        return code.Build();
    }

    // One IP header and what may lead to the next one; leaves R7/R8 at the next network header.
    private static void EmitLevel(BpfAssembler code, int done, bool isLast)
    {
        var ipv6 = code.Label();
        var udp = code.Label();
        var gre = code.Label();
        var ipv4Inside = code.Label();
        var ipv6Inside = code.Label();
        var ethernetInside = code.Label();
        var next = code.Label();

        for (var tag = 0; tag < VlanTagsPerLevel; tag++)
        {
            EmitVlan(code, done);
        }

        code.JumpIf(Bpf.BPF_JEQ, 8, Socket.ETH_P_IPV6, ipv6);
        code.JumpIf(Bpf.BPF_JNE, 8, Socket.ETH_P_IP, done);
        EmitIpv4(code, done);
        if (!isLast)
        {
            EmitDispatch(code, done, udp, gre, ipv4Inside, ipv6Inside);
        }
        else
        {
            code.Jump(done);
        }

        code.Place(ipv6);
        EmitIpv6(code, done);
        if (isLast)
        {
            code.Jump(done);
            foreach (var unused in (int[])[udp, gre, ipv4Inside, ipv6Inside, ethernetInside, next])
            {
                code.Place(unused);
            }

            return;
        }

        EmitDispatch(code, done, udp, gre, ipv4Inside, ipv6Inside);
        code.Place(udp);
        EmitUdpTunnel(code, done, ethernetInside, next);
        code.Place(gre);
        EmitGre(code, done, ethernetInside, next);
        code.Place(ipv4Inside);
        code.MoveImmediate(8, Socket.ETH_P_IP);
        code.Jump(next);
        code.Place(ipv6Inside);
        code.MoveImmediate(8, Socket.ETH_P_IPV6);
        code.Jump(next);
        code.Place(ethernetInside);
        EmitEthernet(code, done);
        code.Place(next);
    }

    // R2 holds the IP protocol number.
    private static void EmitDispatch(BpfAssembler code, int done, int udp, int gre, int ipv4Inside, int ipv6Inside)
    {
        code.JumpIf(Bpf.BPF_JEQ, 2, 17, udp);
        code.JumpIf(Bpf.BPF_JEQ, 2, 47, gre);
        code.JumpIf(Bpf.BPF_JEQ, 2, 4, ipv4Inside);
        code.JumpIf(Bpf.BPF_JEQ, 2, 41, ipv6Inside);
        code.Jump(done);
    }

    private static void EmitEthernet(BpfAssembler code, int done)
    {
        LoadBytes(code, 14, done);
        code.Load(Bpf.BPF_H, 8, 10, Buffer + 12);
        code.ToBigEndian(8, 16);
        code.AluImmediate(Bpf.BPF_ADD, 7, 14);
    }

    private static void EmitVlan(BpfAssembler code, int done)
    {
        var tagged = code.Label();
        var untagged = code.Label();
        code.JumpIf(Bpf.BPF_JEQ, 8, Socket.ETH_P_8021Q, tagged);
        code.JumpIf(Bpf.BPF_JNE, 8, Socket.ETH_P_8021AD, untagged);
        code.Place(tagged);
        LoadBytes(code, 4, done);
        code.Load(Bpf.BPF_H, 8, 10, Buffer + 2);
        code.ToBigEndian(8, 16);
        code.AluImmediate(Bpf.BPF_ADD, 7, 4);
        code.Place(untagged);
    }

    // RFC 791 section 3.1. Leaves the protocol in R2 and R7 behind the header.
    private static void EmitIpv4(BpfAssembler code, int done)
    {
        LoadBytes(code, 20, done);
        code.Load(Bpf.BPF_W, 1, 10, Buffer + 12);
        code.Load(Bpf.BPF_W, 2, 10, Buffer + 16);
        Combine(code);
        // MF or an offset: a fragment. Loaded in network order, so the mask is swapped: 0x3FFF → 0xFF3F.
        code.Load(Bpf.BPF_H, 1, 10, Buffer + 6);
        code.JumpIf(Bpf.BPF_JSET, 1, 0xFF3F, done);
        code.Load(Bpf.BPF_B, 1, 10, Buffer);
        code.AluImmediate(Bpf.BPF_AND, 1, 0x0F);
        code.AluImmediate(Bpf.BPF_LSH, 1, 2);
        code.Alu(Bpf.BPF_ADD, 7, 1);
        code.Load(Bpf.BPF_B, 2, 10, Buffer + 9);
    }

    // RFC 8200 sections 3 and 4. Leaves the last next-header value in R2 and R7 behind the headers.
    private static void EmitIpv6(BpfAssembler code, int done)
    {
        LoadBytes(code, 40, done);
        code.Load(Bpf.BPF_W, 1, 10, Buffer + 8);
        code.Load(Bpf.BPF_W, 2, 10, Buffer + 24);
        for (short word = 4; word < 16; word += 4)
        {
            code.Load(Bpf.BPF_W, 3, 10, (short)(Buffer + 8 + word));
            code.Alu(Bpf.BPF_XOR, 1, 3);
            code.Load(Bpf.BPF_W, 3, 10, (short)(Buffer + 24 + word));
            code.Alu(Bpf.BPF_XOR, 2, 3);
        }

        Combine(code);
        code.Load(Bpf.BPF_B, 2, 10, Buffer + 6);
        code.AluImmediate(Bpf.BPF_ADD, 7, 40);
        var upper = code.Label();
        for (var i = 0; i < ExtensionHeadersMax; i++)
        {
            EmitExtensionHeader(code, done, upper);
        }

        code.Place(upper);
    }

    // Hop-by-hop (0), routing (43), destination options (60) are stepped over; a fragment header ends at "done" by the
    // dispatch that follows, because 44 leads nowhere.
    private static void EmitExtensionHeader(BpfAssembler code, int done, int upper)
    {
        var extension = code.Label();
        code.JumpIf(Bpf.BPF_JEQ, 2, 0, extension);
        code.JumpIf(Bpf.BPF_JEQ, 2, 43, extension);
        code.JumpIf(Bpf.BPF_JNE, 2, 60, upper);
        code.Place(extension);
        LoadBytes(code, 2, done);
        code.Load(Bpf.BPF_B, 1, 10, Buffer + 1);
        code.AluImmediate(Bpf.BPF_ADD, 1, 1);
        code.AluImmediate(Bpf.BPF_LSH, 1, 3);
        code.Alu(Bpf.BPF_ADD, 7, 1);
        code.Load(Bpf.BPF_B, 2, 10, Buffer);
    }

    // UDP and VXLAN (RFC 7348) or Geneve (RFC 8926) headers are 8 bytes each before options.
    private static void EmitUdpTunnel(BpfAssembler code, int done, int ethernetInside, int next)
    {
        var geneve = code.Label();
        LoadBytes(code, 16, done);
        code.AluImmediate(Bpf.BPF_ADD, 7, 16);
        code.Load(Bpf.BPF_H, 1, 10, Buffer + 2);
        code.ToBigEndian(1, 16);
        code.JumpIf(Bpf.BPF_JEQ, 1, VxlanPort, ethernetInside);
        code.JumpIf(Bpf.BPF_JEQ, 1, GenevePort, geneve);
        code.Jump(done);
        code.Place(geneve);
        code.Load(Bpf.BPF_B, 1, 10, Buffer + 8);
        code.AluImmediate(Bpf.BPF_AND, 1, 0x3F);
        code.AluImmediate(Bpf.BPF_LSH, 1, 2);
        code.Alu(Bpf.BPF_ADD, 7, 1);
        code.Load(Bpf.BPF_H, 8, 10, Buffer + 10);
        code.ToBigEndian(8, 16);
        code.JumpIf(Bpf.BPF_JEQ, 8, Socket.ETH_P_TEB, ethernetInside);
        code.Jump(next);
    }

    // RFC 2784/2890: 4 bytes, then 4 for each of checksum, key, sequence. ERSPAN II adds 8 bytes (type I, without a
    // sequence number, none).
    private static void EmitGre(BpfAssembler code, int done, int ethernetInside, int next)
    {
        LoadBytes(code, 4, done);
        code.AluImmediate(Bpf.BPF_ADD, 7, 4);
        code.Load(Bpf.BPF_H, 8, 10, Buffer + 2);
        code.ToBigEndian(8, 16);
        code.Load(Bpf.BPF_B, 1, 10, Buffer);
        foreach (var optional in (int[])[0x80, 0x20, 0x10])
        {
            var absent = code.Label();
            var present = code.Label();
            code.JumpIf(Bpf.BPF_JSET, 1, optional, present);
            code.Jump(absent);
            code.Place(present);
            code.AluImmediate(Bpf.BPF_ADD, 7, 4);
            code.Place(absent);
        }

        var notErspan = code.Label();
        var erspan = code.Label();
        code.JumpIf(Bpf.BPF_JEQ, 8, Socket.ETH_P_ERSPAN, erspan);
        code.Jump(notErspan);
        code.Place(erspan);
        var typeTwo = code.Label();
        code.JumpIf(Bpf.BPF_JSET, 1, 0x10, typeTwo);
        code.Jump(ethernetInside);
        code.Place(typeTwo);
        code.AluImmediate(Bpf.BPF_ADD, 7, 8);
        code.Jump(ethernetInside);
        code.Place(notErspan);
        code.JumpIf(Bpf.BPF_JEQ, 8, Socket.ETH_P_TEB, ethernetInside);
        code.Jump(next);
    }

    // R9 = symmetric mix of R1 and R2: neither sum nor exclusive-or alone tells 10.0.0.1–4 from 10.0.0.2–3.
    // Odd, so that it is never the 0 of frames without addresses.
    private static void Combine(BpfAssembler code)
    {
        code.Move(9, 1);
        code.Alu(Bpf.BPF_XOR, 9, 2);
        code.Alu(Bpf.BPF_ADD, 1, 2);
        code.Alu32Immediate(Bpf.BPF_MUL, 1, unchecked((int)0x9E3779B1));
        code.Alu(Bpf.BPF_XOR, 9, 1);
        code.Alu32Immediate(Bpf.BPF_OR, 9, 1);
    }

    // R9 ^= R9 >> bits, on 32 bits.
    private static void Fold(BpfAssembler code, int bits)
    {
        code.Move(1, 9);
        code.Alu32Immediate(Bpf.BPF_RSH, 1, bits);
        code.Alu(Bpf.BPF_XOR, 9, 1);
    }

    // bpf_skb_load_bytes(R6, R7, buffer, bytes): also reaches headers that lie in page fragments. Missing bytes → done.
    private static void LoadBytes(BpfAssembler code, int bytes, int done)
    {
        code.Move(1, 6);
        code.Move(2, 7);
        code.Move(3, 10);
        code.AluImmediate(Bpf.BPF_ADD, 3, Buffer);
        code.MoveImmediate(4, bytes);
        code.Call(Bpf.BPF_FUNC_skb_load_bytes);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, done);
    }
}
