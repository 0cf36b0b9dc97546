// The finished record of a flow, as the flow table hands it out and as it stands in a spool batch. Blittable on
// purpose: writing it is a copy, no allocation. Strings (names of points and VMs) stand once per batch and are joined
// through the point ids. The layout is a format: fields are appended, never moved (docs/formats/spool.md).
using System.Runtime.InteropServices;
using Tapline.Base;

namespace Tapline.Store;

/// <summary>One flow (biflow) or one part of a long one. Times in ns since the epoch, UTC; lengths in bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FlowRecord
{
    /// <summary>Unique in the node's life.</summary>
    public ulong FlowId;

    public long StartNs;
    public long EndNs;

    /// <summary>IANA number, or a layer-2 kind (<see cref="FlowProtocol"/>).</summary>
    public ushort Protocol;

    public FlowState State;
    public FlowEndReason EndReason;

    /// <summary>Point of the first frame, and the first point that saw the responder's side (0xffff = none).</summary>
    public ushort InitiatorPoint;

    public ushort ResponderPoint;

    /// <summary>ICMP: type*256+code and identifier; layer 2: EtherType or DSAP/SSAP.</summary>
    public ushort InitiatorPort;

    public ushort ResponderPort;

    public IpAddress16 InitiatorIp;
    public IpAddress16 ResponderIp;

    /// <summary>48-bit MAC in the low bits; 0 = the link has none.</summary>
    public ulong InitiatorMac;

    public ulong ResponderMac;

    /// <summary>VLAN TCIs, outermost first; <see cref="VlanCount"/> of them.</summary>
    public ushort Vlan0;

    public ushort Vlan1;
    public ushort Vlan2;
    public ushort Vlan3;
    public byte VlanCount;
    public TunnelKind Tunnel;
    public byte TunnelDepth;

    /// <summary>How often the record of this connection was cut by the active timeout before (0 = first part).</summary>
    public byte Part;

    public uint Vni;
    public IpAddress16 OuterInitiatorIp;
    public IpAddress16 OuterResponderIp;

    /// <summary>SYN→ACK as seen here, and its halves; 0 = not measured.</summary>
    public long HandshakeRttNs;

    /// <summary>SYN/ACK→ACK: between here and the client.</summary>
    public long ClientRttNs;

    /// <summary>SYN→SYN/ACK: between here and the server.</summary>
    public long ServerRttNs;

    public long RttSumNs;
    public long RttMinNs;
    public long RttMaxNs;
    public uint RttSamples;

    /// <summary>Application, by port for now: index into the well-known names; 0 = unknown.</summary>
    public ushort AppId;

    /// <summary>0 none, 1 by port, 2 by payload.</summary>
    public byte AppConfidence;

    /// <summary>How the initiator was decided: 1 SYN, 2 first frame, 3 port numbers (joined mid-way).</summary>
    public byte InitiatorBasis;

    public DirectionCounts Initiator;
    public DirectionCounts Responder;

    /// <summary>ICMP errors that quoted a packet of this flow.</summary>
    public uint IcmpErrors;

    /// <summary>Reserved, zero: keeps the size a multiple of 8 without hidden padding.</summary>
    public uint Reserved;
}
