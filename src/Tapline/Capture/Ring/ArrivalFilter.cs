// The socket filter of every ring: decides whether a frame is ours and counts it, before any buffer can be full.
// In (kernel side): the frame's interface and direction. Out: bytes to keep, 0 = not ours.
// Because it runs exactly once per frame (fan-out has already chosen the socket) and only frames that pass it can be
// dropped for want of room, arrived = captured + tp_drops holds to the frame.
//
// Plain additions on the per-CPU value are enough: taps run with bottom halves disabled on one CPU at a time.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ring;

/// <summary>Emits the filter program.</summary>
internal static class ArrivalFilter
{
    private const short KeyOffset = -4;
    private const short SlotOffset = -8;
    private const short VlanKeyOffset = -16;
    private const int VlanIdMask = 0xFFF;
    private const short SenderKeyOffset = -32;
    private const int MacSourceOffset = 6;
    private const int MacBytes = 6;
    private const int VlanTagBytes = 4;

    /// <summary>
    /// <paramref name="fromHost"/>: accept only what the host sends (PACKET_OUTGOING), else only what enters by a port, and
    /// of that not what another point has or will have: a VLAN device above, a macvlan device beside.
    /// </summary>
    public static bpf_insn[] Build(CaptureMaps maps, bool fromHost, int snapLength)
    {
        var code = new BpfAssembler();
        var refuse = code.Label();
        var untagged = code.Label();
        code.Move(6, 1);
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbPktType);
        code.JumpIf(fromHost ? Bpf.BPF_JNE : Bpf.BPF_JEQ, 2, IfPacket.PACKET_OUTGOING, refuse);

        // Our own exports: what the host sends to a tool behind the tapped switch, or gets back through a veth.
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbMark);
        code.JumpIf(Bpf.BPF_JEQ, 2, CopyMark.Value, refuse);

        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbIfindex);
        code.Store(Bpf.BPF_W, 10, KeyOffset, 2);
        Lookup(code, (fromHost ? maps.HostSlots : maps.PortSlots).Number, KeyOffset);
        code.JumpIf(Bpf.BPF_JEQ, 0, 0, refuse);
        code.Load(Bpf.BPF_W, 7, 0, 0);
        code.Move(2, 7);
        code.AluImmediate(Bpf.BPF_AND, 2, CaptureMaps.PointMask);
        code.Store(Bpf.BPF_W, 10, SlotOffset, 2);
        if (!fromHost)
        {
            RefuseWhatComesAgain(code, maps.Vlans.Number, refuse);
            RefuseWhatHasEntered(code, maps.Senders.Number, refuse);
        }

        Lookup(code, maps.Arrived.Number, SlotOffset);
        code.JumpIf(Bpf.BPF_JEQ, 0, 0, refuse);

        // Length as the frame had it on the wire: the tag that the kernel holds beside the frame counts.
        code.Load(Bpf.BPF_W, 1, 6, Bpf.SkbLen);
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbVlanPresent);
        code.JumpIf(Bpf.BPF_JEQ, 2, 0, untagged);
        code.AluImmediate(Bpf.BPF_ADD, 1, VlanTagBytes);
        code.Place(untagged);
        code.Load(Bpf.BPF_DW, 2, 0, 0);
        code.AluImmediate(Bpf.BPF_ADD, 2, 1);
        code.Store(Bpf.BPF_DW, 0, 0, 2);
        code.Load(Bpf.BPF_DW, 2, 0, 8);
        code.Alu(Bpf.BPF_ADD, 2, 1);
        code.Store(Bpf.BPF_DW, 0, 8, 2);
        code.MoveImmediate(0, snapLength);
        code.Exit();

        code.Place(refuse);
        code.MoveImmediate(0, 0);
        code.Exit();
        return code.Build();
    }

    // vlan_do_receive (net/8021q/vlan_core.c) hands a tagged frame on as one of the VLAN device, and packet sockets see it a
    // second time. Where both devices are points it counts at the second: that is the switch's port.
    private static void RefuseWhatComesAgain(BpfAssembler code, int vlanMap, int refuse)
    {
        var single = code.Label();
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbVlanPresent);
        code.JumpIf(Bpf.BPF_JEQ, 2, 0, single);
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbIfindex);
        code.Store(Bpf.BPF_W, 10, VlanKeyOffset, 2);
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbVlanTci);
        code.AluImmediate(Bpf.BPF_AND, 2, VlanIdMask);
        code.Store(Bpf.BPF_W, 10, VlanKeyOffset + 4, 2);
        Lookup(code, vlanMap, VlanKeyOffset);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, refuse);
        code.Place(single);
    }

    // macvlan_queue_xmit (drivers/net/macvlan.c) shows a frame from one macvlan device to another to the taps of the NIC
    // below as if it came in there; where the sender's device is a point, it has counted. R7 holds the slot.
    private static void RefuseWhatHasEntered(BpfAssembler code, int sendersMap, int refuse)
    {
        var foreign = code.Label();
        code.AluImmediate(Bpf.BPF_AND, 7, CaptureMaps.ChecksSender);
        code.JumpIf(Bpf.BPF_JEQ, 7, 0, foreign);
        code.Load(Bpf.BPF_W, 2, 6, Bpf.SkbIfindex);
        code.Store(Bpf.BPF_W, 10, SenderKeyOffset, 2);
        code.StoreImmediate(Bpf.BPF_W, 10, SenderKeyOffset + 8, 0);
        // bpf_skb_load_bytes(skb, offset, to, length); a packet socket's filter sees the frame from its MAC header on.
        code.Move(1, 6);
        code.MoveImmediate(2, MacSourceOffset);
        code.Move(3, 10);
        code.AluImmediate(Bpf.BPF_ADD, 3, SenderKeyOffset + 4);
        code.MoveImmediate(4, MacBytes);
        code.Call(Bpf.BPF_FUNC_skb_load_bytes);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, foreign);
        Lookup(code, sendersMap, SenderKeyOffset);
        code.JumpIf(Bpf.BPF_JNE, 0, 0, refuse);
        code.Place(foreign);
    }

    private static void Lookup(BpfAssembler code, int map, short keyOffset)
    {
        code.LoadMap(1, map);
        code.Move(2, 10);
        code.AluImmediate(Bpf.BPF_ADD, 2, keyOffset);
        code.Call(Bpf.BPF_FUNC_map_lookup_elem);
    }
}
