// Opens packet sockets with rings, and joins them to fan-out groups. In: geometry, interface, loaded programs.
// Out: a ring that already receives (its filter accepts nothing before the maps are filled), or one sentence.
// Order matters: version and vnet header before the ring, filter before the bind. Control thread.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ring;

/// <summary>Makes rings.</summary>
internal static unsafe class PacketRingFactory
{
    /// <summary>Opens a ring on one interface, or on all of the namespace with index 0.</summary>
    public static PacketRing? Open(
        RingGeometry geometry, int interfaceIndex, FileDescriptor filter, bool fromHost, LiveCaptureOptions options,
        out string error)
    {
        var socket = new FileDescriptor(
            SystemCalls.SocketOpen(Socket.AF_PACKET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        if (socket.IsInvalid)
        {
            error = SystemCalls.LastError is SystemCalls.EPERM or SystemCalls.EACCES
                ? "Capturing needs root or the capability CAP_NET_RAW; start Tapline as root or give it the capability."
                : $"The kernel opens no packet socket: {SystemError.Describe(SystemCalls.LastError)}.";
            return null;
        }

        var ring = Configure(socket, geometry, filter, fromHost, options, out error)
            ? Map(socket, geometry, fromHost, options.SnapLength, out error)
            : null;
        if (ring is not null && !Bind(socket, interfaceIndex, out error))
        {
            ring.Dispose();
            return null;
        }

        if (ring is null)
        {
            socket.Dispose();
        }

        return ring;
    }

    /// <summary>
    /// Joins the ring to a fan-out group. The first ring passes group 0 with <paramref name="isFirst"/> and learns the
    /// group's number; the order of joining is the number of the worker.
    /// </summary>
    public static bool Join(
        PacketRing ring, ref ushort group, bool isFirst, bool ignoreOutgoing, FileDescriptor program, out string error)
    {
        var flags = IfPacket.PACKET_FANOUT_EBPF
            | (ignoreOutgoing ? IfPacket.PACKET_FANOUT_FLAG_IGNORE_OUTGOING : 0)
            | (isFirst ? IfPacket.PACKET_FANOUT_FLAG_UNIQUEID : 0);
        var arguments = new fanout_args { id = group, type_flags = (ushort)flags };
        if (SystemCalls.SetSocketOption(
                ring.Descriptor, Socket.SOL_PACKET, IfPacket.PACKET_FANOUT, &arguments, (uint)sizeof(fanout_args)) != 0)
        {
            error = $"The kernel does not share frames out over workers: {SystemError.Describe(SystemCalls.LastError)}.";
            return false;
        }

        error = "";
        if (!isFirst)
        {
            return true;
        }

        return ReadGroup(ring, ref group, ref error) && SetProgram(ring, program, ref error);
    }

    /// <summary>Promiscuous mode on an interface for as long as the packet socket lives (the kernel counts holders).</summary>
    public static bool SetPromiscuous(int descriptor, int interfaceIndex, bool on)
    {
        var request = new packet_mreq { mr_ifindex = interfaceIndex, mr_type = IfPacket.PACKET_MR_PROMISC };
        var option = on ? IfPacket.PACKET_ADD_MEMBERSHIP : IfPacket.PACKET_DROP_MEMBERSHIP;
        return SystemCalls.SetSocketOption(
            descriptor, Socket.SOL_PACKET, option, &request, (uint)sizeof(packet_mreq)) == 0;
    }

    private static bool ReadGroup(PacketRing ring, ref ushort group, ref string error)
    {
        int value;
        var length = (uint)sizeof(int);
        if (SystemCalls.GetSocketOption(
                ring.Descriptor, Socket.SOL_PACKET, IfPacket.PACKET_FANOUT, &value, &length) != 0)
        {
            error = $"The kernel does not tell the fan-out group: {SystemError.Describe(SystemCalls.LastError)}.";
            return false;
        }

        group = (ushort)value;
        return true;
    }

    private static bool SetProgram(PacketRing ring, FileDescriptor program, ref string error)
    {
        var descriptor = program.Number;
        if (SystemCalls.SetSocketOption(
                ring.Descriptor, Socket.SOL_PACKET, IfPacket.PACKET_FANOUT_DATA, &descriptor, sizeof(int)) == 0)
        {
            return true;
        }

        error = $"The kernel does not take the fan-out program: {SystemError.Describe(SystemCalls.LastError)}.";
        return false;
    }

    private static bool Configure(
        FileDescriptor socket, RingGeometry geometry, FileDescriptor filter, bool fromHost, LiveCaptureOptions options,
        out string error)
    {
        error = "";
        var programNumber = filter.Number;
        return Set(socket, IfPacket.PACKET_VERSION, IfPacket.TPACKET_V3, "TPACKET_V3 rings", ref error)
            && Set(socket, IfPacket.PACKET_VNET_HDR, 1, "offload state beside frames (PACKET_VNET_HDR)", ref error)
            && (fromHost || Set(socket, IfPacket.PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING", ref error))
            && (!options.HardwareTimestamps || Set(
                socket, IfPacket.PACKET_TIMESTAMP, IfPacket.SOF_TIMESTAMPING_RAW_HARDWARE, "NIC timestamps", ref error))
            && SetFilter(socket, programNumber, ref error)
            && SetRing(socket, geometry, ref error);
    }

    private static bool Set(FileDescriptor socket, int option, int value, string what, ref string error)
    {
        if (SystemCalls.SetSocketOption(socket.Number, Socket.SOL_PACKET, option, &value, sizeof(int)) == 0)
        {
            return true;
        }

        error = $"This kernel has no {what} ({SystemError.Describe(SystemCalls.LastError)}); Tapline needs Linux 5.8 or later.";
        return false;
    }

    private static bool SetFilter(FileDescriptor socket, int program, ref string error)
    {
        if (SystemCalls.SetSocketOption(
                socket.Number, Socket.SOL_SOCKET, Socket.SO_ATTACH_BPF, &program, sizeof(int)) == 0)
        {
            return true;
        }

        error = $"The kernel does not take the socket filter: {SystemError.Describe(SystemCalls.LastError)}.";
        return false;
    }

    private static bool SetRing(FileDescriptor socket, RingGeometry geometry, ref string error)
    {
        const uint FrameBytes = 2048;
        var request = new tpacket_req3
        {
            tp_block_size = (uint)geometry.BlockBytes,
            tp_block_nr = (uint)geometry.Blocks,
            tp_frame_size = FrameBytes,
            tp_frame_nr = (uint)(geometry.Bytes / FrameBytes),
            tp_retire_blk_tov = (uint)geometry.RetireTimeoutMs,
        };
        if (SystemCalls.SetSocketOption(
                socket.Number, Socket.SOL_PACKET, IfPacket.PACKET_RX_RING, &request, (uint)sizeof(tpacket_req3)) == 0)
        {
            return true;
        }

        error = SystemCalls.LastError == SystemCalls.ENOMEM
            ? $"The kernel has no {geometry.Bytes >> 20} MiB of memory for a capture ring; give a smaller ring budget."
            : $"The kernel refuses a ring of {geometry.Blocks} blocks of {geometry.BlockBytes} bytes: "
                + $"{SystemError.Describe(SystemCalls.LastError)}.";
        return false;
    }

    private static PacketRing? Map(
        FileDescriptor socket, RingGeometry geometry, bool fromHost, int snapLength, out string error)
    {
        var memory = SystemCalls.MemoryMap(
            null, (nuint)geometry.Bytes, SystemCalls.PROT_READ | SystemCalls.PROT_WRITE, SystemCalls.MAP_SHARED,
            socket.Number, 0);
        if ((nint)memory == -1)
        {
            error = $"The capture ring cannot be mapped: {SystemError.Describe(SystemCalls.LastError)}.";
            return null;
        }

        error = "";
        return new PacketRing(socket, (byte*)memory, geometry, fromHost, snapLength);
    }

    private static bool Bind(FileDescriptor socket, int interfaceIndex, out string error)
    {
        var address = new sockaddr_ll
        {
            sll_family = Socket.AF_PACKET,
            sll_protocol = (ushort)(Socket.ETH_P_ALL << 8),
            sll_ifindex = interfaceIndex,
        };
        if (SystemCalls.Bind(socket.Number, &address, (uint)sizeof(sockaddr_ll)) == 0)
        {
            error = "";
            return true;
        }

        error = $"The capture cannot be bound: {SystemError.Describe(SystemCalls.LastError)}.";
        return false;
    }
}
