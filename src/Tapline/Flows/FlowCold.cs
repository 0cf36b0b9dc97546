// The part of a flow that is written at its birth, at its turning points and at its end, not for each frame.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Cold part of a flow: identity for the record, times of the handshake, round trips, lists' links.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FlowCold
{
    public DirectionHealth Health0;
    public DirectionHealth Health1;

    // Round-trip samples: one cache line, written when a timed segment is acknowledged.
    public long RttSumNs;
    public long RttMinNs;
    public long RttMaxNs;
    public uint RttSamples;

    /// <summary>Links of the expiry wheel and of the eviction queues; entry number + 1, 0 = none.</summary>
    public int WheelNext;

    public int WheelPrevious;

    /// <summary>Wheel slot + 1; 0 = not in the wheel.</summary>
    public int WheelSlot;

    public int QueueNext;
    public int QueuePrevious;
    public EvictionClass EvictionClass;
    public byte Part;
    public byte InitiatorBasis;
    public byte TunnelDepth;
    public TunnelKind Tunnel;

    public ulong FlowId;
    public long StartNs;
    public long FirstNs0;
    public long FirstNs1;

    /// <summary>Latest SYN, latest SYN/ACK; 0 = none.</summary>
    public long SynNs;

    public long SynAckNs;

    /// <summary>First ACK after a SYN, whoever sent it: tshark's threshold between reordering and retransmission.</summary>
    public long FirstRttNs;

    public long HandshakeRttNs;
    public long ClientRttNs;
    public long ServerRttNs;
    public uint BaseSeq0;
    public uint BaseSeq1;
    public ulong Mac0;
    public ulong Mac1;
    public IpAddress16 Outer0;
    public IpAddress16 Outer1;
    public uint Vni;
    public uint OtherVni;
    public uint IcmpErrors;
    public ushort Point0;
    public ushort Point1;
    public ushort MaximumSegmentSize0;
    public ushort MaximumSegmentSize1;
    public byte Ttl0;
    public byte Ttl1;
    public byte TrafficClass0;
    public byte TrafficClass1;
    public byte SynScale0;
    public byte SynScale1;

    /// <summary>ICMP: type*256+code of the initiator's first message.</summary>
    public ushort FirstIcmpType;

    public ulong Hash;
    public ulong AliasHash;
}
