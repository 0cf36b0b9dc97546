// One raw IP socket of a tunnel listener. In: the packets that the kernel delivers to this host, whole (it has put fragments
// together). Out: each packet with its outer headers as one frame of LinkType.Raw, so that the decoder sees the tunnel as it
// came. Owner: TunnelSet. Lease side on one worker's thread, counters on any. No allocation after construction.
//
//   slot:  40 bytes of room | packet, up to 64 KiB        one for each frame of a batch; touched as used
//
// IPv6 raw sockets give the payload only; its header is rebuilt in the room before it from what the kernel tells beside it.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Tunnels;

/// <summary>A receiving socket.</summary>
internal sealed unsafe class TunnelSocket : IDisposable
{
    private const int Slots = 64;
    private const int RoomBytes = 40;
    private const int PacketBytes = 64 * 1024;
    private const int SlotBytes = RoomBytes + PacketBytes + 24;
    private const int NameBytes = 32;
    private const int ControlBytes = 128;
    private const int SockaddrIn6Address = 8;
    private readonly FileDescriptor _socket;
    private readonly bool _isV6;
    private readonly byte _protocol;
    private readonly int _snapLength;
    private readonly byte* _memory;
    private readonly mmsghdr* _messages;
    private uint _firstDrops;
    private long _frames;
    private long _bytes;
    private bool _isClosed;

    /// <summary>Takes the socket over.</summary>
    public TunnelSocket(FileDescriptor socket, bool isV6, int protocol, int snapLength)
    {
        Invariant.Check(snapLength > 0);
        _socket = socket;
        _isV6 = isV6;
        _protocol = (byte)protocol;
        _snapLength = snapLength;
        _memory = (byte*)NativePages.Allocate(MemoryBytes);
        _messages = (mmsghdr*)_memory;
        var vectors = (iovec*)(_memory + (Slots * sizeof(mmsghdr)));
        for (var i = 0; i < Slots; i++)
        {
            vectors[i] = new iovec { iov_base = Packet(i), iov_len = PacketBytes };
            _messages[i] = new mmsghdr { msg_name = Name(i), msg_iov = vectors + i, msg_iovlen = 1, msg_control = Control(i) };
        }
    }

    /// <summary>The point to which its frames belong; set before it receives.</summary>
    public ushort PointId { get; set; }

    /// <summary>For poll.</summary>
    public int Descriptor => _socket.Number;

    private static nuint MemoryBytes =>
        (nuint)(Slots * (sizeof(mmsghdr) + sizeof(iovec) + NameBytes + ControlBytes + SlotBytes));

    /// <summary>Takes what is there, as far as the batch has room. Valid until the next call. Worker's thread.</summary>
    public void Fill(FrameBatch batch, long[] captured, ref long frameNumber)
    {
        var room = Math.Min(Slots, Limits.BatchFramesMax - batch.Count);
        for (var i = 0; i < room; i++)
        {
            _messages[i].msg_namelen = NameBytes;
            _messages[i].msg_controllen = ControlBytes;
        }

        var count = room == 0 ? 0 : ReceiveNative.ReceiveMany(
            _socket.Number, _messages, (uint)room, Socket.MSG_DONTWAIT | Socket.MSG_TRUNC, null);
        var bytes = 0L;
        for (var i = 0; i < count; i++)
        {
            bytes += Add(batch, i, ++frameNumber);
        }

        if (count > 0)
        {
            Volatile.Write(ref captured[PointId], captured[PointId] + count);
            Volatile.Write(ref _bytes, _bytes + bytes);
            Volatile.Write(ref _frames, _frames + count);
        }
    }

    /// <summary>Packets that found the socket's buffer full since it began to receive. Any thread.</summary>
    public long ReadDrops()
    {
        // The counter is 32 bits wide and starts anywhere: only its distance counts.
        return _isClosed ? 0 : unchecked(RawDrops() - _firstDrops);
    }

    /// <summary>Frames and bytes handed out, any thread.</summary>
    public (long Frames, long Bytes) ReadTaken() => (Volatile.Read(ref _frames), Volatile.Read(ref _bytes));

    /// <summary>From now on the program decides what is queued. False when the kernel refuses it.</summary>
    public bool Attach(sock_filter[] program) => Attach(_socket, program);

    /// <summary>Forgets what the socket got before its first program was there, and starts counting.</summary>
    public void Forget()
    {
        byte one;
        while (SystemCalls.Receive(_socket.Number, &one, 1, Socket.MSG_DONTWAIT | Socket.MSG_TRUNC) >= 0)
        {
        }

        _firstDrops = RawDrops();
    }

    public void Dispose()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            _socket.Dispose();
            NativePages.Free(_memory, MemoryBytes);
        }
    }

    /// <summary>Attaches a classic program to any socket.</summary>
    internal static bool Attach(FileDescriptor socket, sock_filter[] program)
    {
        fixed (sock_filter* code = program)
        {
            var order = new sock_fprog { len = (ushort)program.Length, filter = code };
            return SystemCalls.SetSocketOption(
                socket.Number, Socket.SOL_SOCKET, ReceiveNative.SO_ATTACH_FILTER, &order, (uint)sizeof(sock_fprog)) == 0;
        }
    }

    private int Add(FrameBatch batch, int slot, long frameNumber)
    {
        ref readonly var message = ref _messages[slot];
        var facts = ReadControl(slot, (int)Math.Min(message.msg_controllen, ControlBytes));
        var start = Packet(slot);
        var length = (int)message.msg_len;
        var present = Math.Min(length, PacketBytes);
        if (_isV6)
        {
            start -= RoomBytes;
            WriteHeader(new Span<byte>(start, RoomBytes), length, slot, facts);
            length += RoomBytes;
            present += RoomBytes;
        }

        ref var meta = ref batch.Add(start);
        meta = default;
        meta.TimestampNs = facts.TimestampNs;
        meta.OriginalLength = length;
        meta.CapturedLength = Math.Min(present, _snapLength);
        meta.PointId = PointId;
        meta.LinkType = LinkType.Raw;
        meta.Flags = present < length ? FrameFlags.Cut : FrameFlags.None;
        meta.FrameNumber = frameNumber;
        meta.SourceOffset = -1;
        return length;
    }

    // RFC 8200 section 3. Flow label and traffic class are not told by the kernel as the packet had them; they stay zero.
    private void WriteHeader(Span<byte> header, int payloadBytes, int slot, in Facts facts)
    {
        header.Clear();
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)Math.Min(payloadBytes, ushort.MaxValue));
        header[6] = _protocol;
        header[7] = facts.HopLimit;
        new Span<byte>(Name(slot) + SockaddrIn6Address, 16).CopyTo(header[8..]);
        if (facts.Destination != null)
        {
            new Span<byte>(facts.Destination, 16).CopyTo(header[24..]);
        }
    }

    private Facts ReadControl(int slot, int length)
    {
        var facts = default(Facts);
        var control = Control(slot);
        for (var at = 0; at + sizeof(cmsghdr) <= length;)
        {
            var header = (cmsghdr*)(control + at);
            var size = (int)Math.Min(header->cmsg_len, (nuint)(length - at));
            var data = control + at + sizeof(cmsghdr);
            var dataBytes = size - sizeof(cmsghdr);
            if (dataBytes < 0)
            {
                break;
            }

            if (header->cmsg_level == Socket.SOL_SOCKET && header->cmsg_type == ReceiveNative.SO_TIMESTAMPNS && dataBytes >= 16)
            {
                facts.TimestampNs = (((long*)data)[0] * Clock.SecondNs) + ((long*)data)[1];
            }
            else if (header->cmsg_level == ReceiveNative.SOL_IPV6 && header->cmsg_type == ReceiveNative.IPV6_PKTINFO && dataBytes >= 16)
            {
                facts.Destination = data;
            }
            else if (header->cmsg_level == ReceiveNative.SOL_IPV6 && header->cmsg_type == ReceiveNative.IPV6_HOPLIMIT && dataBytes >= 4)
            {
                facts.HopLimit = (byte)*(int*)data;
            }

            at += (size + 7) & ~7;
        }

        return facts;
    }

    private uint RawDrops()
    {
        var memory = stackalloc uint[ReceiveNative.SK_MEMINFO_VARS];
        var length = (uint)(ReceiveNative.SK_MEMINFO_VARS * sizeof(uint));
        return SystemCalls.GetSocketOption(_socket.Number, Socket.SOL_SOCKET, ReceiveNative.SO_MEMINFO, memory, &length) == 0
            ? memory[ReceiveNative.SK_MEMINFO_DROPS]
            : _firstDrops;
    }

    private byte* Name(int slot) => _memory + (Slots * (sizeof(mmsghdr) + sizeof(iovec))) + (slot * NameBytes);

    private byte* Control(int slot) =>
        _memory + (Slots * (sizeof(mmsghdr) + sizeof(iovec) + NameBytes)) + (slot * ControlBytes);

    private byte* Packet(int slot) => _memory
        + (Slots * (sizeof(mmsghdr) + sizeof(iovec) + NameBytes + ControlBytes)) + (slot * (long)SlotBytes) + RoomBytes;

    private ref struct Facts
    {
        public long TimestampNs;
        public byte* Destination;
        public byte HopLimit;
    }
}
