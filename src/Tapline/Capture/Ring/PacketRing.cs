// One packet socket with its TPACKET_V3 ring. In: frames that the socket filter accepts. Out: frames in ring memory,
// described in a FrameBatch without copying. Owner of socket and mapping; everything but Open, Join and statistics
// belongs to the worker thread. Blocks are read in order and given back in order, after the batch that used them.
//
// The frame's VLAN tag, which the kernel keeps beside the frame, is put back in place: the slot has room before the
// frame (virtio_net_hdr, read first), so the two MAC addresses move four bytes down.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ring;

/// <summary>A packet socket and its ring.</summary>
internal sealed unsafe class PacketRing : IDisposable
{
    private const int MacBytes = 12;
    private const int VlanTagBytes = 4;
    private readonly FileDescriptor _socket;
    private readonly byte* _memory;
    private readonly FrameFlags _flags;
    private readonly int _snapLength;
    private byte* _cursor;
    private int _framesLeft;
    private int _nextBlock;
    private int _finishedBlocks;
    private int _firstHeldBlock;
    private int _lastInterface;
    private ushort _lastPoint;
    private LinkType _lastLinkType;
    private PointTable? _lastTable;
    private long _kernelDrops;
    private long _kernelFrames;

    internal PacketRing(FileDescriptor socket, byte* memory, RingGeometry geometry, bool fromHost, int snapLength)
    {
        _socket = socket;
        _memory = memory;
        Geometry = geometry;
        _flags = fromHost ? FrameFlags.FromHost : FrameFlags.None;
        _snapLength = snapLength;
    }

    public RingGeometry Geometry { get; }

    public int Descriptor => _socket.Number;

    /// <summary>Slots that the kernel counted as frames but left empty (see <see cref="Fill"/>).</summary>
    public long EmptySlots { get; private set; }

    /// <summary>
    /// Stopwatch ticks at which a control thread gave the ring up, 0 = in use. The worker closes it once it is empty and
    /// its last block must have been handed over.
    /// </summary>
    public long RetiredTicks { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

    /// <summary>True once the ring has been closed.</summary>
    public bool IsClosed => _socket.IsClosed;

    /// <summary>Timestamp of the next frame, or long.MaxValue when none is visible. Worker thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long PeekNs()
    {
        if (_framesLeft == 0 && !TryOpenBlock())
        {
            return long.MaxValue;
        }

        return TimestampNs((tpacket3_hdr*)_cursor);
    }

    /// <summary>
    /// Adds frames not later than <paramref name="limitNs"/> to the batch, counts them per point in
    /// <paramref name="captured"/>. Returns when the batch is full, the limit is reached or nothing is visible.
    /// </summary>
    /// <remarks>
    /// A slot without TP_STATUS_USER is skipped: where the kernel cannot express a frame's offload state in a
    /// virtio_net_hdr (SCTP GSO) it gives up after having counted the slot (tpacket_rcv), and counts the frame as dropped.
    /// </remarks>
    public void Fill(FrameBatch batch, long limitNs, PointTable table, long[] captured, ref long frameNumber)
    {
        if (!ReferenceEquals(table, _lastTable))
        {
            _lastTable = table;
            _lastInterface = 0;
        }

        while (!batch.IsFull && (_framesLeft > 0 || TryOpenBlock()))
        {
            var header = (tpacket3_hdr*)_cursor;
            var timestampNs = TimestampNs(header);
            if (timestampNs > limitNs)
            {
                return;
            }

            if ((header->tp_status & IfPacket.TP_STATUS_USER) != 0)
            {
                AddFrame(batch, header, timestampNs, table, ++frameNumber);
                captured[_lastPoint]++;
            }
            else
            {
                EmptySlots++;
            }

            Advance(header);
        }
    }

    /// <summary>Gives back the blocks whose frames have all been leased and released. Worker thread.</summary>
    public void ReleaseFinished()
    {
        while (_finishedBlocks > 0)
        {
            var block = (tpacket_block_desc*)Block(_firstHeldBlock);
            Volatile.Write(ref block->block_status, IfPacket.TP_STATUS_KERNEL);
            _firstHeldBlock = Next(_firstHeldBlock);
            _finishedBlocks--;
        }
    }

    /// <summary>Frames dropped for want of room, and frames seen (dropped ones included), since the ring opened.</summary>
    /// <remarks>PACKET_STATISTICS resets what it reads, so the sums are kept here. Any thread.</remarks>
    public long ReadDrops(out long frames)
    {
        lock (_socket)
        {
            if (!_socket.IsClosed)
            {
                tpacket_stats_v3 statistics;
                var length = (uint)sizeof(tpacket_stats_v3);
                if (SystemCalls.GetSocketOption(
                        Descriptor, Socket.SOL_PACKET, IfPacket.PACKET_STATISTICS, &statistics, &length) == 0)
                {
                    _kernelDrops += statistics.tp_drops;
                    _kernelFrames += statistics.tp_packets;
                }
            }

            frames = _kernelFrames;
            return _kernelDrops;
        }
    }

    /// <summary>Unmaps the ring and closes the socket. No frame of it may be in use.</summary>
    public void Dispose()
    {
        ReadDrops(out _);
        lock (_socket)
        {
            if (!_socket.IsClosed)
            {
                _ = SystemCalls.MemoryUnmap(_memory, (nuint)Geometry.Bytes);
                _socket.Dispose();
                _framesLeft = 0;
            }
        }
    }

    private bool TryOpenBlock()
    {
        while (_finishedBlocks < Geometry.Blocks)
        {
            var block = (tpacket_block_desc*)Block(_nextBlock);
            // The acquire pairs with the kernel's smp_wmb before it sets the status (prb_close_block).
            if ((Volatile.Read(ref block->block_status) & IfPacket.TP_STATUS_USER) == 0)
            {
                return false;
            }

            _framesLeft = (int)block->num_pkts;
            _cursor = (byte*)block + block->offset_to_first_pkt;
            if (_framesLeft > 0)
            {
                return true;
            }

            FinishBlock();
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(tpacket3_hdr* header)
    {
        if (--_framesLeft == 0)
        {
            FinishBlock();
            return;
        }

        _cursor += header->tp_next_offset;
        if (System.Runtime.Intrinsics.X86.Sse.IsSupported)
        {
            // The next slot's header and the start of its frame; the one after it is near if frames are small.
            System.Runtime.Intrinsics.X86.Sse.Prefetch0(_cursor + header->tp_next_offset);
            System.Runtime.Intrinsics.X86.Sse.Prefetch0(_cursor + header->tp_next_offset + 64);
        }
    }

    private void FinishBlock()
    {
        _finishedBlocks++;
        _nextBlock = Next(_nextBlock);
    }

    private void AddFrame(FrameBatch batch, tpacket3_hdr* header, long timestampNs, PointTable table, long number)
    {
        var slot = (byte*)header;
        var address = (sockaddr_ll*)(slot + IfPacket.SockaddrOffset);
        if (address->sll_ifindex != _lastInterface)
        {
            _lastInterface = address->sll_ifindex;
            _lastPoint = table.Find(_lastInterface);
            _lastLinkType = LinkTypeOf(address->sll_hatype);
        }

        var status = header->tp_status;
        var bytes = slot + header->tp_mac;
        var offload = *(virtio_net_hdr*)(bytes - sizeof(virtio_net_hdr));
        var capturedLength = (int)header->tp_snaplen;
        var originalLength = (int)header->tp_len;
        var flags = _flags;
        if (capturedLength < originalLength && capturedLength < _snapLength)
        {
            flags |= FrameFlags.Cut;
        }

        var shift = 0;
        if ((status & IfPacket.TP_STATUS_VLAN_VALID) != 0 && capturedLength >= MacBytes)
        {
            bytes = RestoreVlan(bytes, header, status);
            shift = VlanTagBytes;
            originalLength += VlanTagBytes;
            capturedLength = Math.Min(capturedLength + VlanTagBytes, Math.Max(_snapLength, MacBytes + VlanTagBytes));
            flags |= FrameFlags.VlanRestored;
        }

        ref var meta = ref batch.Add(bytes);
        meta.TimestampNs = timestampNs;
        meta.CapturedLength = capturedLength;
        meta.OriginalLength = originalLength;
        meta.PointId = _lastPoint;
        meta.LinkType = _lastLinkType;
        meta.FrameNumber = number;
        meta.SourceOffset = -1;
        meta.Flags = flags | StatusFlags(status);
        FillOffload(ref meta, in offload, shift);
    }

    private static FrameFlags StatusFlags(uint status)
    {
        var flags = FrameFlags.None;
        if ((status & IfPacket.TP_STATUS_CSUM_VALID) != 0)
        {
            flags |= FrameFlags.ChecksumVerified;
        }

        if ((status & IfPacket.TP_STATUS_TS_RAW_HARDWARE) != 0)
        {
            flags |= FrameFlags.HardwareTimestamp;
        }

        return flags;
    }

    private static void FillOffload(ref FrameMeta meta, in virtio_net_hdr offload, int shift)
    {
        meta.GsoType = (GsoType)offload.gso_type;
        if (offload.gso_type != virtio_net_hdr.VIRTIO_NET_HDR_GSO_NONE)
        {
            meta.GsoSize = offload.gso_size;
            meta.GsoHeaderLength = (ushort)Math.Min(offload.hdr_len + shift, ushort.MaxValue);
        }
        else
        {
            meta.GsoSize = 0;
            meta.GsoHeaderLength = 0;
        }

        if ((offload.flags & virtio_net_hdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
        {
            meta.Flags |= FrameFlags.ChecksumPartial;
            meta.ChecksumStart = (ushort)(offload.csum_start + shift);
            meta.ChecksumOffset = offload.csum_offset;
        }
        else
        {
            meta.ChecksumStart = 0;
            meta.ChecksumOffset = 0;
        }
    }

    // IEEE 802.1Q clause 9: TPID and TCI follow the two addresses.
    private static byte* RestoreVlan(byte* bytes, tpacket3_hdr* header, uint status)
    {
        var tpid = (status & IfPacket.TP_STATUS_VLAN_TPID_VALID) != 0 ? header->tp_vlan_tpid : Socket.ETH_P_8021Q;
        var tci = header->tp_vlan_tci;
        var low = Unsafe.ReadUnaligned<ulong>(bytes);
        var high = Unsafe.ReadUnaligned<uint>(bytes + 8);
        bytes -= VlanTagBytes;
        Unsafe.WriteUnaligned(bytes, low);
        Unsafe.WriteUnaligned(bytes + 8, high);
        bytes[12] = (byte)(tpid >> 8);
        bytes[13] = (byte)tpid;
        bytes[14] = (byte)(tci >> 8);
        bytes[15] = (byte)tci;
        return bytes;
    }

    private static LinkType LinkTypeOf(ushort hardwareType) => hardwareType switch
    {
        Socket.ARPHRD_ETHER or Socket.ARPHRD_LOOPBACK => LinkType.Ethernet,
        _ => LinkType.Raw,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long TimestampNs(tpacket3_hdr* header) => (header->tp_sec * 1_000_000_000L) + header->tp_nsec;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Block(int index) => _memory + ((long)index * Geometry.BlockBytes);

    private int Next(int block) => block + 1 == Geometry.Blocks ? 0 : block + 1;
}
